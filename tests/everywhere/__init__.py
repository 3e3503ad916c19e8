"""Each feature of a policy in every place where a user meets it: a table of scenes, and a test that plays them."""
