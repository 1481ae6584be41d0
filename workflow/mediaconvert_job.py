"""The job that AWS Elemental MediaConvert gets for a long video, where a stage has it convert those.

It makes what our own functions make: H.264 and AAC in an MP4 that starts playing at once, of the size that SplitVideo
planned. MediaConvert takes no version of an object, only the newest.
"""

from typing import Any

MAX_VIDEO_BITS_PER_SECOND = 3_000_000
AUDIO_BITS_PER_SECOND = 128_000
_AUDIO = "Audio Selector 1"


def conversion_job() -> dict[str, Any]:
    """CreateJob's parameters; `${conversion_role}` stands for a role that the stack makes."""
    return {
        "Role": "${conversion_role}",
        "UserMetadata": {"asset.$": "$.asset.id"},
        "Settings": {"Inputs": [_input()], "OutputGroups": [_output_group()]},
    }


def _input() -> dict[str, Any]:
    return {
        "FileInput.$": "States.Format('s3://{}/{}', $.asset.source.bucket, $.asset.source.key)",
        "VideoSelector": {"Rotate": "AUTO"},
        "AudioSelectors": {_AUDIO: {"DefaultSelection": "DEFAULT"}},
        "TimecodeSource": "ZEROBASED",
    }


def _output_group() -> dict[str, Any]:
    return {
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination.$": "$.split_video.converted"},
        },
        "Outputs": [
            {
                "ContainerSettings": {"Container": "MP4", "Mp4Settings": {"MoovPlacement": "PROGRESSIVE_DOWNLOAD"}},
                "VideoDescription": {
                    "Width.$": "$.split_video.width",
                    "Height.$": "$.split_video.height",
                    "CodecSettings": {
                        "Codec": "H_264",
                        "H264Settings": {"RateControlMode": "QVBR", "MaxBitrate": MAX_VIDEO_BITS_PER_SECOND},
                    },
                },
                "AudioDescriptions": [
                    {
                        "AudioSourceName": _AUDIO,
                        "CodecSettings": {
                            "Codec": "AAC",
                            "AacSettings": {
                                "Bitrate": AUDIO_BITS_PER_SECOND,
                                "CodingMode": "CODING_MODE_2_0",
                                "SampleRate": 48_000,
                            },
                        },
                    }
                ],
            }
        ],
    }
