"""What is kept for how long, how much there is of it, and how what is too old goes. Only the rules are pure."""
