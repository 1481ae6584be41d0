"""Makes decoded pictures what a browser shows: upright, progressive, with square pixels, in the colors of BT.709.

FFmpeg's filters do it. A chain is built anew where the pictures change on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av.error
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

from tasks.transform.video.geometry import Size, Turn
from workflow.errors import CorruptMedia

TICKS_A_SECOND = 90_000
TICK = Fraction(1, TICKS_A_SECOND)

MAX_CHANGES = 50
"""Of size, format or colors on the way: each new chain of filters may cost seconds."""

_HDR_CURVES = frozenset({int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)})
_WIDE_PRIMARIES = frozenset({int(ColorPrimaries.BT2020), int(ColorPrimaries.SMPTE431), int(ColorPrimaries.SMPTE432)})
_UNSPECIFIED_MATRIX = 2
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
    """The picture of a video as it is stored, and as it will be shown. Sizes in pixels."""

    codec: str
    stored: Size
    displayed: Size
    target: Size
    turn: Turn
    frame_rate: Fraction | None
    is_hdr: bool
    is_interlaced: bool
    has_alpha: bool
    has_closed_captions: bool


class PictureChain:
    """Turns decoded frames, whose times are in ticks, into frames of one size and format."""

    def __init__(self, target: Size, turn: Turn, *, deinterlaces: bool) -> None:
        self._target, self._turn, self._deinterlaces = target, turn, deinterlaces
        self._shape: Shape = ()
        self._graph: Graph | None = None
        self._changes = 0

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """What comes out for this frame; the filters may hold it back until the next."""
        self._deinterlaces |= frame.interlaced_frame
        shape = self._shape_of(frame)
        if shape != self._shape:
            yield from self.flush()
            self._count_change()
            self._graph, self._shape = self._build(frame), shape
        if self._graph:
            self._graph.push(frame)
            yield from _pulled(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """What is still held back."""
        if self._graph:
            self._graph.push(None)
            yield from _pulled(self._graph)
        self._graph, self._shape = None, ()

    def _count_change(self) -> None:
        self._changes += 1
        if self._changes > MAX_CHANGES:
            raise CorruptMedia(
                f"The pictures change their size or colors more than {MAX_CHANGES} times. Export the video again."
            )

    def _shape_of(self, frame: VideoFrame) -> Shape:
        colors = (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries)
        return frame.width, frame.height, frame.format.name, self._deinterlaces, *colors

    def _build(self, frame: VideoFrame) -> Graph:
        source = (
            f"buffer=video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={TICK}"
            f":pixel_aspect=1/1:colorspace={frame.colorspace}:range={frame.color_range}"
        )
        graph = Graph()
        nodes = [graph.add(*_split(filter_)) for filter_ in (source, *self._filters(frame), "buffersink")]
        graph.link_nodes(*nodes)
        graph.configure()
        return graph

    def _filters(self, frame: VideoFrame) -> Iterator[str]:
        """Scaling comes first, so that the rest has less to do; but for deinterlacing, which needs the lines."""
        if self._deinterlaces:
            yield "bwdif=mode=send_frame:deint=interlaced"
        if has_alpha(frame):
            yield "format=gbrap"
            yield "premultiply=inplace=1"
        yield from self._scaling(frame)
        yield from self._turn.filters
        yield "setsar=1"
        yield "format=yuv420p"

    def _scaling(self, frame: VideoFrame) -> Iterator[str]:
        width, height = self._turn.turned(self._target)
        if is_hdr(frame) or frame.color_primaries in _WIDE_PRIMARIES:
            yield f"scale={width}:{height}"
            yield _MAP_COLORS
        else:
            yield f"scale={width}:{height}:{_TO_BT709}{_assumed_matrix(frame)}"


def _split(filter_: str) -> tuple[str, str]:
    name, _, arguments = filter_.partition("=")
    return name, arguments


def _assumed_matrix(frame: VideoFrame) -> str:
    """Where a file does not say its matrix, players go by its size."""
    if frame.colorspace != _UNSPECIFIED_MATRIX or frame.format.is_rgb:
        return ""
    is_hd = frame.height >= _LEAST_HD_HEIGHT_PX or frame.width >= _LEAST_HD_WIDTH_PX
    return ":in_color_matrix=bt709" if is_hd else ":in_color_matrix=bt601"


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            found = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(found, VideoFrame):
            yield found
