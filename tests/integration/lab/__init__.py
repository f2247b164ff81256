"""The laboratory of the integration tests: private httpd and Redis, simulators, and what watches over them."""
