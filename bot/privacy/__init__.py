"""What is private: what the filter does about it in a place, and forgetting.

filtering   the filter as it holds in a place, for whole words; finding itself is in `bot/redaction`
answers     the same for an answer while it grows
settings    what the operator's settings say of the filter
page        the filter as a document
erasing     forgets a person, in rounds
retention   forgets what is too old
"""
