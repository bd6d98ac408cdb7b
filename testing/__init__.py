"""What tests and load tests share: servers, sounds, hostile files, free music."""
