"""What is known of each model (`models.toml`), and what a call to it costs.

catalogue    how much it takes, what may be said to it, when it ends
file         reads `models.toml` and the operator's file of the same form
prices       what a call costs, exact to the last digit; `price_lists` has those of others
"""
