"""The bench: how fast this course's training and decoding are beside others', on the same data, model and machine, in the same minutes."""
