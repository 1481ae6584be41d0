"""Logs of well-known programs are tables with the documented names; what is no log stays a refusal."""

import gzip

import pytest

from tasks.sniffing.sniff import sniff
from tests.unit.tables import converted
from workflow.errors import CorruptTable, TooManyBadRows

LOG = "text/x-log"

ACCESS = (
    '203.0.113.5 - ada [10/Oct/2023:13:55:36 -0700] "GET /a,b?q=\\"x\\" HTTP/1.1" 200 2326 "-" "Mozilla/5.0 (X11)"\n'
    '203.0.113.6 - - [10/Oct/2023:13:55:37 -0700] "POST / HTTP/2.0" 503 - "https://a.example/" "curl/8"\n'
)
BALANCER = (
    "https 2024-03-16T20:20:00.135052Z app/lb/a3 203.0.113.14:50599 10.0.5.47:80 0.001 0.052 0.000 200 200 589 2084 "
    '"POST https://a.example:443/api HTTP/1.1" "Mozilla/5.0 (Win; x64)" ECDHE TLSv1.2 arn:aws:tg "Root=1-60" '
    '"a.example" "arn:aws:acm" 0 2024-03-16T20:20:00.081000Z "waf,forward" "-" "-" "10.0.5.47:80" "200" "-" "-" TID_1\n'
)
FLOW = (
    "2 012345678901 eni-1 203.0.113.5 10.0.0.2 443 51000 6 20 4249 1537648094 1537648129 ACCEPT OK\n"
    "2 012345678901 eni-1 - - - - - - - 1537648152 1537648249 - NODATA\n"
)
FLOW_NAMES = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
BUCKET = (
    f"{'79a5' * 16} bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::1:a 3E57 REST.GET.OBJECT a%20b.csv "
    '"GET /bucket1/a%20b.csv HTTP/1.1" 200 - 113 113 7 6 "-" "S3Console/0.4" - s9lz= SigV4 ECDHE AuthHeader '
    "bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - Yes us-east-1\n"
)
W3C = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-01-01 00:00:00\n"
    "#Fields: date time cs-method cs-uri-stem sc-status cs(User-Agent)\n"
    "2024-01-01 00:00:01 GET /a 200 Mozilla/5.0+(X11)\n2024-01-01 00:00:02 GET /b 404 -\n"
)
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip\n2014-07-21\t01:58:45\tDFW3\t563\t203.0.113.1\n"
)
SYSLOG = (
    '<165>1 2003-10-11T22:14:15.003Z host1 evntslog - ID47 [ex@1 iut="3" note="a \\"b\\" ]"] An event, logged\n'
    "<34>1 2003-10-11T22:14:16.003Z host1 su 12 - - 'su root' failed\n"
)
OLD_SYSLOG = "<34>Oct 11 22:14:15 host1 su[42]: failed: no\nOct  1 22:14:15 host1 cron: done\n"
CONTAINER = '2016-10-06T00:17:09.669794202Z stdout F {"a": 1}\n2016-10-06T00:17:10.669794202Z stderr P part\n'
PYTHON = "2024-01-01 10:00:00,100 INFO app request 0 done\n2024-01-01 10:00:01,101 WARNING slow, very\n"
PYTHON_NAMED = "2024-01-01 10:00:00,100 - app.db - ERROR - lost, 3 times\n"
LOG4J = "2024-01-01 10:00:00,123 [main] INFO  com.example.App - started\n"
SPRING = "2024-01-01T10:00:00.123+01:00  INFO 4242 --- [nio-1] c.e.Controller     : served\n"
NGINX_ERROR = "2024/01/01 10:00:00 [error] 7#0: *1 open() failed\n"
KLOG = "I0102 15:04:05.678901   12345 server.go:123] ready\n"
APACHE_ERROR = "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 357:tid 43] [client 72.15.99.187] no such file\n"
BASIC = "WARNING:root:careful\nERROR:app.db:lost\n"
LOGFMT = (
    'time=2024-01-01T10:00:00Z level=info msg="a \\"b\\" c" n=1\ntime=2024-01-01T10:00:01Z level=warn msg=x err=y\n'
)


@pytest.mark.parametrize(
    ("content", "types", "first"),
    [
        (
            ACCESS,
            {"status": "BIGINT", "time_local": "TIMESTAMP WITH TIME ZONE"},
            {"remote_user": "ada", "http_referer": None, "status": "200", "body_bytes_sent": "2326"},
        ),
        (
            BALANCER,
            {"received_bytes": "BIGINT", "client:port": "VARCHAR"},
            {"request": "POST https://a.example:443/api HTTP/1.1", "redirect_url": None, "conn_trace_id": "TID_1"},
        ),
        (
            FLOW,
            {"account-id": "VARCHAR", "bytes": "BIGINT"},
            {"account-id": "012345678901", "srcport": "443", "log-status": "OK"},
        ),
        (f"{FLOW_NAMES}\n{FLOW}", {"account-id": "VARCHAR", "bytes": "BIGINT"}, {"action": "ACCEPT"}),
        (
            BUCKET,
            {"total_time": "BIGINT"},
            {"key": "a%20b.csv", "error_code": None, "acl_required": "Yes", "source_region": "us-east-1"},
        ),
        (W3C, {"date": "DATE", "sc-status": "BIGINT"}, {"cs-uri-stem": "/a", "cs(User-Agent)": "Mozilla/5.0+(X11)"}),
        (CLOUDFRONT, {"date": "DATE", "sc-bytes": "BIGINT"}, {"x-edge-location": "DFW3"}),
        (
            SYSLOG,
            {"timestamp": "TIMESTAMP WITH TIME ZONE", "pri": "BIGINT"},
            {"procid": None, "structured-data": '[ex@1 iut="3" note="a \\"b\\" ]"]', "msg": "An event, logged"},
        ),
        (OLD_SYSLOG, {"timestamp": "VARCHAR"}, {"app-name": "su", "procid": "42", "msg": "failed: no"}),
        (CONTAINER, {"stream": "VARCHAR"}, {"logtag": "F", "log": '{"a": 1}'}),
        (
            PYTHON,
            {"timestamp": "TIMESTAMP"},
            {"timestamp": "2024-01-01 10:00:00.1", "level": "INFO", "message": "app request 0 done"},
        ),
        (PYTHON_NAMED, {"timestamp": "TIMESTAMP"}, {"logger": "app.db", "level": "ERROR", "message": "lost, 3 times"}),
        (LOG4J, {"timestamp": "TIMESTAMP"}, {"thread": "main", "logger": "com.example.App", "message": "started"}),
        (
            SPRING,
            {"pid": "BIGINT"},
            {"pid": "4242", "thread": "nio-1", "logger": "c.e.Controller", "message": "served"},
        ),
        (NGINX_ERROR, {"timestamp": "TIMESTAMP"}, {"level": "error", "message": "7#0: *1 open() failed"}),
        (KLOG, {"threadid": "BIGINT"}, {"severity": "I", "source": "server.go:123", "message": "ready"}),
        (APACHE_ERROR, {"pid": "BIGINT"}, {"module": "core", "client": "72.15.99.187", "message": "no such file"}),
        (BASIC, {"message": "VARCHAR"}, {"level": "WARNING", "logger": "root", "message": "careful"}),
        (LOGFMT, {"n": "BIGINT"}, {"level": "info", "msg": 'a "b" c', "n": "1", "err": None}),
    ],
)
def test_logs_have_the_documented_names_and_types(tmp_path, content, types, first):
    assert sniff(content.encode(), b"", len(content), name="a.log").media_type == LOG
    table = converted(tmp_path, content, LOG, "a.log")
    assert {name: table.types()[name] for name in types} == types
    found = dict(zip(table.types(), table.rows()[0], strict=True))
    assert {name: found[name] for name in first} == first
    assert table.facts["bad_rows"] == 0


def test_a_packed_log_is_a_log():
    packed = gzip.compress((ACCESS * 20).encode())
    assert sniff(packed, packed, len(packed), name="access.log.gz").media_type == f"{LOG}+gzip"


def test_several_logs_in_one_file_are_a_table_each(tmp_path):
    table = converted(tmp_path, ACCESS + PYTHON + ACCESS, LOG, "all.log")
    assert table.facts["table_names"] == ["all-access", "all-messages"]
    assert (len(table.rows("all-access")), len(table.rows("all-messages"))) == (4, 2)


def test_a_stack_trace_belongs_to_its_message(tmp_path):
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no, never\n'
    table = converted(tmp_path, PYTHON + trace + PYTHON, LOG, "app.log")
    assert table.column("message")[1] == f"slow, very\n{trace}".rstrip("\n")
    assert table.facts["rows"] == 4
    assert table.facts["notes"] == ["3 lines without a beginning of their own belong to the message above them"]


def test_directives_are_left_out_by_number_and_may_change_the_fields(tmp_path):
    again = "#Fields: date time cs-method sc-status s-ip\n2024-01-02 00:00:01 GET 500 10.0.0.1\n"
    table = converted(tmp_path, W3C + again, LOG, "iis.log")
    assert [entry["line"] for entry in table.rejects] == [1, 2, 3, 4, 7]
    assert table.column("s-ip") == [None, None, "10.0.0.1"]
    assert table.column("sc-status") == ["200", "404", "500"]


def test_lines_that_are_no_entries_are_bad_rows(tmp_path):
    table = converted(tmp_path, ACCESS * 20 + "garbage\n" + ACCESS * 20, LOG, "a.log")
    assert (table.facts["rows"], [entry["line"] for entry in table.rejects]) == (80, [41])
    (tmp_path / "many").mkdir()
    with pytest.raises(TooManyBadRows):
        converted(tmp_path / "many", ACCESS + "garbage\n" * 9, LOG, "a.log")


def test_a_log_without_an_entry_is_refused(tmp_path):
    with pytest.raises(CorruptTable):
        converted(tmp_path, "#Version: 1.0\n#Fields: date time\n", LOG)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ("Dear Ada,\n\nthank you.\n2024-01-01 was fine\n", "text/plain"),
        ("[12] started\n[13] stopped\n", "text/plain"),
        ("2024-01-01 10:00:00,INFO,5\n2024-01-01 10:00:01,INFO,6\n", "text/csv"),
        ("time,level,n\n2024-01-01 10:00:00,INFO,5\n", "text/csv"),
        ("step one\nstep two: done\nstep three\n", "text/plain"),
    ],
)
def test_what_is_no_log_is_not_taken_for_one(content, media_type):
    assert sniff(content.encode(), b"", len(content), name="a.txt").media_type == media_type


@pytest.mark.parametrize("line", [" " * 60_000, "2024-01-01 10:00:00" + " " * 60_000, '<1>1 a b c d e [a="' * 3000])
def test_hostile_lines_are_not_slow(line):
    """A pattern that tries all ways to divide blanks would take hours: the test's own time limit tells."""
    assert sniff(line.encode() + b"\n", b"", len(line) + 1, name="a.log").media_type == "text/plain"


@pytest.mark.parametrize(
    "content",
    [
        "2024-01-02 03:04:05,123 something happened\n2024-01-02 03:04:06,456 something else\n",
        '2024-01-02T03:04:05Z {"a": 1, "b": "x, y"}\n2024-01-02T03:04:06Z {"a": 2, "b": "z, w"}\n',
        "[2024-01-02 03:04:05.123] a, b\n  and more, of it\n[2024-01-02 03:04:06.123] c, d\n",
        "2024-01-02T03:04:05.000Z START RequestId: a\n2024-01-02T03:04:06Z hello, x\n2024-01-02T03:04:07Z bye, x\n",
    ],
)
def test_commas_in_entries_of_an_unknown_log_divide_no_columns(tmp_path, content):
    assert sniff(content.encode(), b"", len(content), name="app.log").media_type == "text/plain"
    assert len(converted(tmp_path, content).types()) == 1


def test_a_line_that_begins_with_a_time_belongs_to_no_message_above_it(tmp_path):
    lines = PYTHON * 50 + "2024-01-01 10:00:02,101 of another form\n  more of it\n"
    table = converted(tmp_path, lines, LOG)
    assert table.facts["rows"] == 100
    assert [reject["line"] for reject in table.rejects] == [101]


@pytest.mark.parametrize("agent", ['Mo\\"zilla', 'a ""b""', 'a "b"c'])
def test_quotes_within_a_quoted_field_shift_no_other(tmp_path, agent):
    table = converted(tmp_path, BUCKET + BUCKET.replace("S3Console/0.4", agent), LOG)
    assert len(table.rows()) == 2
    assert table.column("host_id") == ["s9lz=", "s9lz="]


def test_an_escaped_quote_in_an_access_log_is_no_end_of_a_row(tmp_path):
    line = ACCESS.splitlines()[1]
    table = converted(tmp_path, f"{line}\n" + line.replace("curl/8", 'cu\\"rl') + "\n", LOG)
    assert table.column("http_user_agent") == ["curl/8", 'cu\\"rl']
