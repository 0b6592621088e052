"""Which waiting execution goes to which node, and why the others wait. Pure but for selectors and services."""
