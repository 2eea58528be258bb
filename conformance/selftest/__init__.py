"""Tests of the suite itself: a judge that is wrong is worse than none."""
