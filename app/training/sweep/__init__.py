"""Compare recipes that differ in their front ends and hyperparameters, by many small trainings."""
