"""What lines of well-known logs look like, and the documented names of their fields.

An entry is a name for each value: "-", which says in all of these formats that there is none, is an empty text.
Sources: the user guides of Elastic Load Balancing, S3 and VPC; nginx's and Apache's log modules; RFC 5424 and 3164;
W3C's extended log file format; Kubernetes' logging of containers (CRI) and klog.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Entry = Mapping[str, str]

_LEVEL = "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|FATAL|SEVERE|ALERT|EMERG|PANIC"
_ISO_TIME = r"\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[-+]\d\d:?\d\d))?"
_WORD = re.compile(r"(\S+)")
_TOKEN = re.compile(rf'"((?:[^"\\]|\\.|"(?! |$))*)"(?= |$)|\[([^\]]*)\]|{_WORD.pattern}')
"""A quote ends at one with a blank behind it: S3 writes those of a client's own text as they are."""
_MAX_LINE_CHARS = 256 * 1024
_QUOTED = r'"((?:[^"\\]|\\.)*)"'

_LOAD_BALANCER = (
    *("type", "time", "elb", "client:port", "target:port", "request_processing_time", "target_processing_time"),
    *("response_processing_time", "elb_status_code", "target_status_code", "received_bytes", "sent_bytes", "request"),
    *("user_agent", "ssl_cipher", "ssl_protocol", "target_group_arn", "trace_id", "domain_name", "chosen_cert_arn"),
    *("matched_rule_priority", "request_creation_time", "actions_executed", "redirect_url", "error_reason"),
    *("target:port_list", "target_status_code_list", "classification", "classification_reason", "conn_trace_id"),
    *("transformed_host", "transformed_uri", "request_transform_status"),
)
_BUCKET = (
    *("bucket_owner", "bucket", "time", "remote_ip", "requester", "request_id", "operation", "key", "request_uri"),
    *("http_status", "error_code", "bytes_sent", "object_size", "total_time", "turn_around_time", "referer"),
    *("user_agent", "version_id", "host_id", "signature_version", "cipher_suite", "authentication_type", "host_header"),
    *("tls_version", "access_point_arn", "acl_required", "source_region"),
)
_FLOW = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets"),
    *("bytes", "start", "end", "action", "log-status"),
)
_FLOW_NAMES = frozenset(
    {
        *_FLOW,
        *("vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr", "region", "az-id"),
        *("sublocation-type", "sublocation-id", "pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction"),
        *("traffic-path", "ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "reject-reason"),
        *("ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id", "ecs-service-name"),
        *("ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id", "resource-id", "encryption-status"),
    }
)
_NUMBERS = frozenset(
    {
        *("request_processing_time", "target_processing_time", "response_processing_time", "elb_status_code"),
        *("target_status_code", "received_bytes", "sent_bytes", "matched_rule_priority", "http_status", "bytes_sent"),
        *("object_size", "total_time", "turn_around_time", "version", "srcport", "dstport", "protocol", "packets"),
        *("bytes", "start", "end", "tcp-flags", "traffic-path", "status", "body_bytes_sent", "pri", "pid", "threadid"),
        *("sc-status", "sc-substatus", "sc-win32-status", "sc-bytes", "cs-bytes", "time-taken", "s-port", "c-port"),
        *("sc-content-len", "sc-range-start", "sc-range-end", "time-to-first-byte"),
    }
)
_TIMES = frozenset({"time", "timestamp", "request_creation_time", "time_local", "date"})
_ANY = frozenset({"logfmt"})


@dataclass(frozen=True)
class LogFormat:
    """`read` makes an entry of a line, or None; with `is_open`, lines that follow belong to its `message`."""

    name: str
    read: Callable[[str], Entry | None]
    message: str = ""

    @property
    def is_open(self) -> bool:
        return bool(self.message)


def family(log: str, field: str) -> str:
    """What the values of a field may be read as: "number", "time", "any" or "" for text."""
    if log in _ANY:
        return "any"
    return "number" if field in _NUMBERS else "time" if field in _TIMES else ""


def _value(text: str) -> str:
    return "" if text == "-" else text


def _tokens(line: str) -> list[str]:
    """Where nothing ends a quote, none that comes later has an end either."""
    tokens, token, at = list[str](), _TOKEN, 0
    while found := token.search(line, at):
        text, at = found[found.lastindex or 0], found.end()
        token = _WORD if text.startswith('"') and found.lastindex == token.groups else token
        tokens.append(text)
    return tokens


def _by_pattern(pattern: str, *names: str) -> Callable[[str], Entry | None]:
    compiled = re.compile(pattern)

    def read(line: str) -> Entry | None:
        found = compiled.fullmatch(line)
        if not found:
            return None
        return {name: _value(text) for name, text in zip(names, found.groups(), strict=True) if text is not None}

    return read


def _by_place(pattern: str, names: Sequence[str], least: int) -> Callable[[str], Entry | None]:
    """Fields in a fixed order, of which the newest may be lacking; newer ones than are known are numbered."""
    compiled = re.compile(pattern)

    def read(line: str) -> Entry | None:
        if not compiled.match(line):
            return None
        values = _tokens(line)
        named = (*names, *(f"field_{at + 1}" for at in range(len(names), len(values))))
        return dict(zip(named, map(_value, values), strict=False)) if len(values) >= least else None

    return read


_LEVELED = re.compile(
    rf"\[?(?P<timestamp>{_ISO_TIME})\]?(?: {{1,20}}[-|:]?)? {{0,20}}"
    r"(?:\[(?P<thread>[^\]]{0,200})\]|(?P<logger>[\w.$/:-]{1,200})(?= {1,20}[-|] ))?[ :|-]{0,20}"
    rf"\[?\b(?P<level>(?i:{_LEVEL}))\b\]?"
    r"(?: {1,20}(?P<pid>\d{1,20}) ---)?(?: {0,20}\[(?P<thread_after>[^\]]{0,200})\])?"
    r"(?: {1,20}(?P<class>(?:[\w$]{1,100}\.){1,20}[\w$]{1,100})(?= {1,80}[-:] |: ))?"
    r"[ :|-]{0,80}(?P<message>.*)"
)
"""Repetitions are bounded: no line makes it slow."""


def _leveled(line: str) -> Entry | None:
    found = _LEVELED.fullmatch(line)
    if not found or line[found.end("timestamp") :][:1] not in {" ", "]"}:
        return None
    groups = found.groupdict()
    thread, logger = groups["thread"] or groups["thread_after"], groups["logger"] or groups["class"]
    texts = {
        "timestamp": found["timestamp"].replace(",", "."),
        "level": found["level"],
        "logger": logger,
        "thread": thread,
        "pid": groups["pid"],
        "message": found["message"],
    }
    return {name: text.strip() for name, text in texts.items() if text is not None}


_PAIR = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"=]*)(?: +|$)')
_MIN_PAIRS = 3


def _logfmt(line: str) -> Entry | None:
    at, entry = 0, dict[str, str]()
    while found := _PAIR.match(line, at):
        value = found[2]
        entry[found[1]] = value[1:-1].replace('\\"', '"') if value.startswith('"') else value
        at = found.end()
    return entry if at == len(line) and len(entry) >= _MIN_PAIRS else None


_IP = r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+"
_MONTH_TIME = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"

FORMATS: tuple[LogFormat, ...] = (
    LogFormat(
        "alb",
        _by_place(r"(?:http|https|h2|grpcs|ws|wss) \d{4}-\d\d-\d\dT\S+Z (?:app|net)/\S+ ", _LOAD_BALANCER, 25),
    ),
    LogFormat("s3-access", _by_place(r"[0-9a-f]{64} \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]*\] ", _BUCKET, 18)),
    LogFormat("vpc-flow", _by_place(rf"2 (?:\d{{12}}|unknown) \S+ (?:{_IP}|-) (?:{_IP}|-)(?: \S+){{9}}$", _FLOW, 14)),
    LogFormat(
        "access",
        _by_pattern(
            r"(?:([\w.-]+:\d+) )?(\S+) (\S+) (\S(?:.{0,200}?\S)?) "
            r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4})\] "
            rf"{_QUOTED} (\d{{3}}|-) (\d+|-)(?: {_QUOTED} {_QUOTED}(?: (.+))?)?",
            *("host", "remote_addr", "remote_logname", "remote_user", "time_local", "request", "status"),
            *("body_bytes_sent", "http_referer", "http_user_agent", "more"),
        ),
    ),
    LogFormat(
        "syslog",
        _by_pattern(
            r"(?:\d{1,5} )?<(\d{1,3})>(\d{1,2}) (\S+) (\S+) (\S+) (\S+) (\S+) "
            r'(-|(?:\[(?:[^"\]\\]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: \ufeff?(.*))?',
            *("pri", "version", "timestamp", "hostname", "app-name", "procid", "msgid", "structured-data", "msg"),
        ),
        message="msg",
    ),
    LogFormat(
        "syslog",
        _by_pattern(
            rf"(?:<(\d{{1,3}})>)?({_MONTH_TIME}|\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)) "
            r"(?!(?:START|END|REPORT|INIT_START) )(\S+) ([^\s:\[\]]+)(?:\[(\d+)\])?: (.*)",
            *("pri", "timestamp", "hostname", "app-name", "procid", "msg"),
        ),
        message="msg",
    ),
    LogFormat(
        "container",
        _by_pattern(
            r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[-+]\d\d:\d\d)) (stdout|stderr) ([FP](?::\S*)?) (.*)",
            *("time", "stream", "logtag", "log"),
        ),
    ),
    LogFormat(
        "klog",
        _by_pattern(
            r"([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d{6}) +(\d+) ([^\s:]+:\d+)\] (.*)",
            *("severity", "monthday_time", "threadid", "source", "message"),
        ),
        message="message",
    ),
    LogFormat(
        "apache-error",
        _by_pattern(
            r"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]+ \d{4})\] \[(?:([\w-]*):)?(\w+)\]"
            r"(?: \[pid (\d+)(?::tid (\d+))?\])?(?: \[client ([^\]]+)\])? (.*)",
            *("error_time", "module", "loglevel", "pid", "tid", "client", "message"),
        ),
        message="message",
    ),
    LogFormat("messages", _leveled, message="message"),
    LogFormat(
        "messages",
        _by_pattern(rf"({_LEVEL}):([\w.$-]+):(.*)", "level", "logger", "message"),
        message="message",
    ),
    LogFormat("logfmt", _logfmt),
)


class LogReader:
    """Reads lines one after the other: `#Fields` and the names above VPC's records hold for the lines below them."""

    def __init__(self) -> None:
        self._fields: list[str] = []
        self._separator: str | None = None
        self._name = ""
        self._last: LogFormat | None = None

    def read(self, line: str) -> tuple[LogFormat, Entry] | None:
        """The format and the entry of a line; None for one that is no entry."""
        if self._fields and not line.startswith("#"):
            entry = self._by_fields(line)
            if entry:
                return entry
        if len(line) > _MAX_LINE_CHARS:
            return None
        tried = (self._last, *FORMATS) if self._last else FORMATS
        for log in tried:
            entry = log.read(line)
            if entry is not None:
                self._last = log
                return log, entry
        return None

    def is_directive(self, line: str) -> bool:
        """Whether the line says how others are read, or comments on them."""
        if line.startswith("#Fields:"):
            self._fields, self._name = line.removeprefix("#Fields:").split(), "w3c"
            return True
        names = line.split()
        if len(names) > 3 and set(names) <= _FLOW_NAMES:  # noqa: PLR2004 - words of prose may be among the names
            self._fields, self._name = names, "vpc-flow"
            return True
        return (bool(self._fields) and self._name == "w3c" and line.startswith("#")) or line.startswith(_W3C_OPENINGS)

    def _by_fields(self, line: str) -> tuple[LogFormat, Entry] | None:
        values = line.split("\t") if "\t" in line else _quoted_values(line)
        if len(values) != len(self._fields):
            return None
        return LogFormat(self._name, lambda _: None), dict(zip(self._fields, map(_value, values), strict=True))


_W3C_OPENINGS = ("#Version: ", "#Software: ", "#Date: ", "#Start-Date: ", "#End-Date: ", "#Remark: ")


def _quoted_values(line: str) -> list[str]:
    return re.findall(r'"[^"]*"|\S+', line) if '"' in line else line.split()


_MIN_SHARE, _LOOKED_AT = 0.9, 200
_BEGINNING = re.compile(rf"\[?{_ISO_TIME}\]? {{1,20}}[^\s,;|]")


def is_beginning(line: str) -> bool:
    """Whether a time and a text begin the line, so that it belongs to none above it, whatever log it is of."""
    return _BEGINNING.match(line) is not None


def are_entries(lines: Sequence[str]) -> bool:
    """Whether lines begin as those of a log do, known or not: what divides their words divides no columns."""
    texts = [line for line in lines if line.strip()][:_LOOKED_AT]
    return bool(texts) and is_beginning(texts[0]) and sum(map(is_beginning, texts)) * 2 > len(texts)


def is_log(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are entries of known logs, or belong to the message of the entry before."""
    reader, entries, others, is_open = LogReader(), 0, 0, False
    for line in lines[:_LOOKED_AT]:
        if not line.strip() or reader.is_directive(line):
            continue
        found = reader.read(line)
        if found:
            entries, is_open = entries + 1, found[0].is_open
        elif not is_open or is_beginning(line):
            others += 1
    if not entries or others > (1 - _MIN_SHARE) * (entries + others):
        return False
    first = next((line for line in lines if line.strip()), "")
    return reader.is_directive(first) or LogReader().read(first) is not None
