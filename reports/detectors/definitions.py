"""What each word of the report rests on, beside the figures that `diagnosis.py` and `neighbours.py` use."""

DEFINITIONS = (
    (
        "distrusted",
        "At least one of: stuck on, stuck off, silent, chatter, flat, over- or under-counting, reported faults.",
    ),
    (
        "suspect",
        "More than 5 % of its edges were lost, rows are missing, or its count changed and it may be the traffic.",
    ),
    ("repaired", "Something small was wrong, and was put right or left out."),
    (
        "stuck on",
        "Covered for 15 min without a break while three greens of its phase came, or, where its phase is not known, 60 "
        "vehicles passed the others; for counts, occupancy of 99 % and fewer than 60 veh/h. A standing queue alone is "
        "not it.",
    ),
    (
        "stuck off, silent",
        "No vehicle for 15 min and two periods at least, where by its neighbours 30 and more were to be expected; "
        "silent if so to the end of the file, or if its rows stop for good half an hour and more before the others'.",
    ),
    ("chatter", "Three times and more, four actuations within two seconds: no vehicles are that close."),
    ("flat", "The very same count, not zero, for five hours and twelve periods at least."),
    (
        "over-counting, under-counting",
        "For half an hour and more (a day and more in files of five days) 18 % more or 15 % less against its "
        "neighbours than in the rest of the file, and clearly beyond its own scatter. A miscount that lasts from the "
        "first row to the last cannot be seen so.",
    ),
    ("count changed", "The same, where no other detector sees the same traffic, so that it may be the traffic."),
    (
        "lost edges",
        "Two on or two off events in a row: the missing one is put where the detector's median actuation has it.",
    ),
    (
        "reported faults",
        "More than 5 % of its periods carry a fault of the file's own: negative SCATS counts, imputed PeMS figures, "
        "UTD19's error flag, NTCIP's fault codes, a controller's detector failure events.",
    ),
    (
        "neighbours",
        "Up to three detectors whose changes from period to period go with its own (correlation of 0.5 and more); two "
        "are needed to judge a count.",
    ),
    ("measured, volume", "Vehicles whose on event was received, and the same with those put back."),
)
