"""Texts and bytes that break what pastes them into something: the same ones for the same seed."""

import random
from dataclasses import dataclass, field, replace

LONGEST = 65535  # bytes of an MQTT string
DEEPEST = 100  # levels of a topic; a broker has a limit

SQL = ["'", "''", '"', "`", "\\", "\\'", "\\\\", ";", "--", "-- x\n", "/*", "*/", "/*! x */", "' or '1'='1",
       "'; drop table mqtt_msg; --", "'); delete from canary; --", "$$", "$tag$", "E'\\''", "x'00'", "0x27",
       "\" or \"\"=\"", "null", "NULL", "undefined", "true", "union select 1", "\\N", "\\0", "\\Z", "\\%", "\\_"]
PLACEHOLDERS = ["$1", "$2", "$0", "?", "?1", "??", ":x", ":1", "@x", "@@version", "%s", "%n", "%d%d", "%(a)s", "%00",
                "%27", "${topic}", "${payload}", "${clientid}", "${payload.json.a}", "${no:-x}", "${", "}", "$", "{}",
                "{0}", "{topic}", "{{7*7}}", "<%= 7 %>", "&{7}", "$(id)", "`id`", "%c", "%u"]
PROTOCOL = ["\r\n", "\r", "\n", "*1\r\n$4\r\nPING\r\n", "$-1\r\n", "\r\n*3\r\n$3\r\nSET\r\n$6\r\ncanary\r\n$1\r\nx\r\n",
            "FLUSHALL\r\n", "GET / HTTP/1.1\r\n\r\n", "-ERR x\r\n", "MULTI", "\x00"]
NAMES = ["mqtt:msg:x", "mqtt:retain:x", "mqtt:acked:a:b", "mqtt:client:x", "keepmq:topics", "mqtt:*", "mqtt_msg",
         "canary", "pg_catalog", "[a-z]*", "*", "a:b", ":", "::"]
DATA = ['{"a": "b\\"}', '{"id":1}', "[", "]", '"', '\\u0000', "<script>alert(1)</script>", "&amp;", "../../etc/passwd",
        "//", "/", " ", "  ", "\t", "0", "-1", "1e309", "NaN", "00", "1;2", ","]
UNICODE = ["ä", "a\u0308", "ß", "ſ", "I", "ı", "İ", "K", "日本", "\u202e", "\u200b", "\u2028", "\ufeff", "\ufffd",
           "\ufffe", "\uffff", "\U0010ffff", "😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "Z͑ͫ̓", "ﷺ", "\u00a0", "\u3000", "A", "a", "é", "É", "Ａ"]
CONTROLS = [chr(number) for number in (1, 2, 7, 8, 0x0b, 0x0c, 0x1a, 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9f)] + ["\x1b[2J"]
FRAGMENTS = SQL + PLACEHOLDERS + PROTOCOL + NAMES + DATA + UNICODE + CONTROLS

NOT_TEXT = [b"\x00", b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80",
            b"\xf0\x9f", bytes(range(256)), b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"\x00\x00\x00\x00"]

# As long as MQTT allows; two of them differ in their last byte only.
LONG = ["x" * LONGEST, "x" * (LONGEST - 1) + "y", "'" * LONGEST, "\\" * LONGEST, "?" * LONGEST, " " * LONGEST,
        "😀" * (LONGEST // 4) + "end", "ä" * (LONGEST // 2), "\r\n" * (LONGEST // 2), "$1" * (LONGEST // 2),
        "${topic}" * (LONGEST // 8), "/".join(["long" * 100] * DEEPEST)]


@dataclass(frozen=True)
class Value:
    """One message. `properties` are those of MQTT 5."""

    topic: str
    payload: bytes
    properties: dict = field(compare=False)

    def under(self, prefix):
        return replace(self, topic=prefix + self.topic)

    def with_payload(self, payload):
        return replace(self, payload=payload)

    def again(self, generator):
        """Another message of the topic."""
        return replace(self, payload=generator.payload(), properties=generator.properties())


def is_topic(text):
    return (0 < len(text.encode()) <= LONGEST and not set("\0+#") & set(text) and text.count("/") < DEEPEST
            and not text.startswith(("$SYS", "$share", "$queue")))


def is_utf8(data, errors="strict"):
    try:
        data.decode(errors=errors)
    except UnicodeDecodeError:
        return False
    return True


def is_text(data):
    """What MQTT takes as text, and most databases."""
    return is_utf8(data) and b"\0" not in data


def without_nul(text):
    return text.replace("\0", "")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        """Some fragments, not empty."""
        parts = self.random.choices(FRAGMENTS, k=self.random.choice((1, 2, 2, 3, 5, 12)))
        return self.random.choice(("", "", " ", "/", "_")).join(parts)

    def names(self, count):
        """Different texts that are legal as topic, client identifier and user name; upper and lower case
        and blanks at the ends make a difference."""
        simple = list(filter(is_topic, [*FRAGMENTS, "Case", "case", " case", "case ", "case  "]))
        found = dict.fromkeys(self.random.sample(simple, min(len(simple), count // 2)))
        while len(found) < count:
            text = without_nul(self.text()).replace("+", "").replace("#", "")
            for each in self.random.sample([text, text.upper(), text.lower(), text + " ", " " + text], 2):
                if is_topic(each) and len(found) < count:
                    found[each] = None
        return list(found)

    def payload(self):
        parts = [each.encode() for each in self.random.choices(FRAGMENTS, k=self.random.randrange(6))]
        if self.random.random() < 0.4:
            parts.insert(self.random.randrange(len(parts) + 1), self.random.choice(NOT_TEXT))
        if self.random.random() < 0.02:
            parts *= self.random.randrange(1, 65536) // (len(b"".join(parts)) + 1) + 1
        return b"".join(parts)

    def properties(self):
        texts = [without_nul(self.text()) for _ in range(5)]
        return {"content_type": texts[0], "correlation_data": self.payload()[:LONGEST],
                "user_property": [(texts[1], texts[2]), (texts[1], texts[3]), ("", texts[4])]}

    def values(self, count, long_topics=True):
        """Different topics."""
        longest = LONG if long_topics else []
        topics = self.names(count - len(longest)) + longest
        self.random.shuffle(topics)
        payloads = [self.payload() for _ in topics]
        payloads[:3] = [self.random.randbytes(900_000), b"'" * 900_000, b""]
        self.random.shuffle(payloads)
        return [Value(topic, payload, self.properties()) for topic, payload in zip(topics, payloads)]
