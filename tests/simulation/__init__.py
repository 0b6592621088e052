"""Stories of a scheduler in a bad world, each made from one seed: told, checked after every step, and told again alike.

* `story`       what happened, as lines that a person can read
* `fate`        what goes wrong, and at which statement or call
* `database`    SQLite in memory whose statements and commits can fail
* `engine`      an engine between the scheduler and the instant one, whose calls and reports can go astray
* `invariants`  what must hold after every step, and what at the end
* `simulation`  the world and what can be done in it
* `soak`        as many seeds as wanted: ``python -m tests.simulation.soak``
"""
