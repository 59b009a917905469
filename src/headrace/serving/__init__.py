"""The data plane: requests in, predictions out, each one logged. Raw ASGI; no data frame library in the process.

serving.settings        Limits, ServerOptions
serving.records         PredictionRecord, UsageWindow, PredictionBatch, PredictionSink
serving.scoring         FeatureSource, ServedModel
serving.prediction_log  PredictionLog: the bounded buffer and its writer
serving.application     Application: the ASGI application
serving.server          serve
"""
