"""Models at rest and at work: the artifact, the encoder of its inputs, and the predictors that score it. NumPy only.

It lies below training, bundles and serving, so that the scorer that is judged is the scorer that is served.
"""
