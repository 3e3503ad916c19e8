"""Clocks of tickets, and the calendars that they run by."""
