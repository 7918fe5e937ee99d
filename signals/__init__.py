"""The signal plan, the safety layer, the sequencer and the controllers: the part that also runs in the street."""
