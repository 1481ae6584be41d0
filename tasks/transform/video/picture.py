"""Makes decoded pictures what a browser shows: upright, progressive, with square pixels, in the colors of BT.709.

FFmpeg's filters do it. A chain is built anew where the pictures change on the way.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import av.error
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

from tasks.transform.video.geometry import Size, Turn, displayed_size, turn_of, within
from workflow.errors import UnsupportedCodec

TICKS_A_SECOND = 90_000
TICK = Fraction(1, TICKS_A_SECOND)

MAX_CHANGES = 300
"""Of size, format or colors on the way: each new chain of filters costs time."""

_HDR_CURVES = frozenset({int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)})
_WIDE_PRIMARIES = frozenset({int(ColorPrimaries.BT2020), int(ColorPrimaries.SMPTE431), int(ColorPrimaries.SMPTE432)})
_BT709, _BT601, _BT2020 = 1, 6, 9
_CONVERTED_MATRICES = frozenset({_BT709, 4, 5, _BT601, 7, _BT2020})
_SAYS_NOTHING = frozenset({0, 2, 3})
"""Unspecified, or reserved. 0 means red, green and blue, which is not true where there is brightness and color."""
_FIRST_UNKNOWN = 18
_MATRIX_NAMES = MappingProxyType(
    {8: "YCgCo", 10: "BT.2020 with constant luminance", 11: "Y'D'ZD'X", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-Re"}
)
_LEAST_HD_HEIGHT_PX, _LEAST_HD_WIDTH_PX = 720, 1280

_TO_BT709 = "out_color_matrix=bt709:out_range=tv"
_MAP_COLORS = f"scale={_TO_BT709}:out_primaries=bt709:out_transfer=bt709:intent=perceptual"

Shape = tuple[int | str | bool, ...]


def is_hdr(frame: VideoFrame) -> bool:
    return frame.color_trc in _HDR_CURVES


def has_alpha(frame: VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)


@dataclass(frozen=True)
class Picture:
    """The picture of a video as it is stored, and as it will be shown. Sizes in pixels.

    `aspect` is that of a stored pixel, by the container. `fields` is "tff" or "bff" where the container alone says that
    all pictures are interlaced, and which field comes first.
    """

    codec: str
    stored: Size
    displayed: Size
    target: Size
    turn: Turn
    aspect: Fraction | None
    frame_rate: Fraction | None
    fields: str
    is_hdr: bool
    has_alpha: bool
    has_closed_captions: bool


class PictureChain:
    """Turns decoded frames, whose times are in ticks, into frames of one size and format.

    What has other proportions than the rest is shown whole, between black bars. `deinterlaced` says whether any frame
    was; `sizes` counts the frames by the size at which they are to be shown.
    """

    def __init__(self, picture: Picture) -> None:
        self.deinterlaced = bool(picture.fields)
        self.sizes: Counter[Size] = Counter()
        self._picture = picture
        self._shape: Shape = ()
        self._graph: Graph | None = None
        self._changes = 0
        self._first_aspect: Fraction | None = None

    def push(self, frame: VideoFrame, aspect: Fraction | None) -> Iterator[VideoFrame]:
        """What comes out for this frame; the filters may hold it back until the next."""
        self.deinterlaced |= frame.interlaced_frame
        frame.colorspace = _matrix(frame)
        turn = turn_of(frame)
        displayed = displayed_size((frame.width, frame.height), self._aspect(aspect), turn)
        self.sizes[displayed] += 1
        shape = self._shape_of(frame, displayed, turn)
        if shape != self._shape:
            yield from self.flush()
            self._count_change()
            self._graph, self._shape = self._build(frame, displayed, turn), shape
        if self._graph:
            self._graph.push(frame)
            yield from _pulled(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """What is still held back."""
        if self._graph:
            self._graph.push(None)
            yield from _pulled(self._graph)
        self._graph, self._shape = None, ()

    def _aspect(self, decoded: Fraction | None) -> Fraction | None:
        """The container's word counts, until the decoder has another than at first."""
        self._first_aspect = self._first_aspect or decoded
        return self._picture.aspect if decoded == self._first_aspect else decoded

    def _count_change(self) -> None:
        self._changes += 1
        if self._changes > MAX_CHANGES:
            raise UnsupportedCodec(
                f"The pictures change their size or colors more than {MAX_CHANGES} times. Export the video in one size."
            )

    def _shape_of(self, frame: VideoFrame, displayed: Size, turn: Turn) -> Shape:
        colors = (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries)
        place = (frame.width, frame.height, *displayed, *turn.filters)
        return *place, frame.format.name, self.deinterlaced, *colors

    def _build(self, frame: VideoFrame, displayed: Size, turn: Turn) -> Graph:
        source = (
            f"buffer=video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
            f":pixel_aspect=1/1:colorspace={frame.colorspace}:range={frame.color_range}"
        )
        graph = Graph()
        filters = (source, *self._filters(frame, displayed, turn), "buffersink")
        graph.link_nodes(*(graph.add(*_split(filter_)) for filter_ in filters))
        graph.configure()
        return graph

    def _filters(self, frame: VideoFrame, displayed: Size, turn: Turn) -> Iterator[str]:
        """Scaling comes first, so that the rest has less to do; but for deinterlacing, which needs the lines."""
        target = self._picture.target
        size = within(displayed, target)
        if self._picture.fields:
            yield f"bwdif=mode=send_frame:parity={self._picture.fields}:deint=all"
        elif self.deinterlaced:
            yield "bwdif=mode=send_frame:deint=interlaced"
        if has_alpha(frame):
            yield "format=gbrap"
            yield "premultiply=inplace=1"
        yield from _scaling(frame, turn.turned(size))
        yield from turn.filters
        yield "format=yuv420p"
        if size != target:
            yield f"pad={target[0]}:{target[1]}:-1:-1"
        yield "setsar=1"


def _scaling(frame: VideoFrame, size: Size) -> Iterator[str]:
    width, height = size
    if is_hdr(frame) or frame.color_primaries in _WIDE_PRIMARIES:
        yield f"scale={width}:{height}"
        yield _MAP_COLORS
    else:
        yield f"scale={width}:{height}:{_TO_BT709}"


def _matrix(frame: VideoFrame) -> int:
    """By which its colors are to be read. Where a file does not say it, players go by its primaries or its size."""
    said = frame.colorspace
    if frame.format.is_rgb or said in _CONVERTED_MATRICES:
        return said
    if said not in _SAYS_NOTHING and said < _FIRST_UNKNOWN:
        raise UnsupportedCodec(
            f"Its colors are written by a matrix, {_MATRIX_NAMES.get(said, said)}, that is not converted here. "
            "Export it with the matrix BT.709."
        )
    if frame.color_primaries == ColorPrimaries.BT2020:
        return _BT2020
    is_hd = frame.height >= _LEAST_HD_HEIGHT_PX or frame.width >= _LEAST_HD_WIDTH_PX
    return _BT709 if is_hd else _BT601


def _split(filter_: str) -> tuple[str, str]:
    name, _, arguments = filter_.partition("=")
    return name, arguments


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            found = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(found, VideoFrame):
            yield found
