"""A text that gives a position is known in all the ways in which devices and people write one."""

import pytest

from tasks.transform.places import tells_place

PLACES = [
    "+48.1368+011.5755/",
    "+27.5916+086.5640+8850CRSWGS_84/",
    "GPS (19.1353, 48.7296, 20)",
    "GPS(-122.3493,47.6205,15)",
    "[latitude: 48.729600] [longtitude : 19.135300]",
    "[latitude : 48.729600] [longitude : 19.135300] [altitude: 300.0]",
    "lat=48.1 lon=11.5",
    "Lat 48.137, Lng 11.575",
    "48.136761, 11.575549",
    "48.136761N 11.575549E",
    "N48.136761 E11.575549",
    "48°08'12.3\"N 11°34'31.9\"E",
    "48° 8′ N",
    "$GPGGA,123519,4807.038,N,01131.000,E",
    "32U PU 91780 34567",
    "32U 691780 5334567",
    "8FWH4HX8+QR",
    "geo:48.137,11.575",
    "https://maps.google.com/?q=here",
]
NO_PLACES = [
    "I have waited 2.5 hours for the 10.30 train",
    "Call +49 89 123456",
    "a long (and winding) road",
    "It is 25 degrees. N. says so.",
    "pi is 3.14159",
    "it takes 0.125 s",
    "5d in 1000 2000",
    "The GPS is broken, turn left",
    "Latitude is everything",
    "12:34:56.789 --> 12:34:58.000",
    "2026-11-29T01:02:03+01:00",
    "5'11\" tall, 70.5 kg",
    "",
]


@pytest.mark.parametrize("text", PLACES)
def test_positions_are_known(text):
    assert tells_place(text)
    assert tells_place(f"we met at {text} in May")


@pytest.mark.parametrize("text", NO_PLACES)
def test_other_numbers_are_no_positions(text):
    assert not tells_place(text)
