"""How many tokens a prompt has, exact where a model's vocabulary is known, else an estimate that learns.

texts         tokens of a text
pictures      tokens of a picture
counting      tokens of a prompt, as a model counts them
calibration   what reported prompts teach
vocabularies  tiktoken's vocabularies, without the network
"""
