"""What tests of several folders share; `testing` holds what load tests use too."""
