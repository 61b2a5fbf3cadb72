"""Kafka: records in, messages out, topics. The only rooms that know the client library."""
