"""Detector readings and neighbours' messages over an MQTT broker. Whatever comes from it is hostile until checked."""
