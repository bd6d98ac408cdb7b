"""A made-up platform with planted tastes, to test recommenders against what is known of it."""
