"""Names of color profiles are told where they are a standard's."""

import pytest

from tasks.transform.image.profile_names import UNNAMED, told_name

STANDARDS = ["sRGB IEC61966-2.1", "Adobe RGB (1998)", "Display P3", "ProPhoto RGB", "Dot Gain 20%", "eciRGB v2"]
MORE = ["Coated FOGRA39 (ISO 12647-2:2004)", "U.S. Web Coated (SWOP) v2", "Generic Gray Gamma 2.2 Profile", "Rec. 709"]


@pytest.mark.parametrize("name", STANDARDS + MORE)
def test_standards_are_named(name):
    assert told_name(name) == name


@pytest.mark.parametrize("name", ["Jane's MacBook Pro", "DELL U2720Q SN 4711", "sRGB by Jane Roe"])
def test_monitors_and_their_owners_are_not(name):
    assert told_name(name) == UNNAMED
