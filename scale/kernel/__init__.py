"""What every part of Scale speaks: time, ids, resources, locks, errors. Pure but for clock and locks."""
