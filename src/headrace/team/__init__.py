"""The team: who is asking, by what proof, and whose agreement a model needs before it is served."""
