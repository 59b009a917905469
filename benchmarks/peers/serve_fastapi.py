"""Run in the peer's environment: `serve_fastapi.py CSV PORT`. A pipeline behind FastAPI as its documentation has it, one worker."""

import sys

import pandas as pd
import uvicorn
from fastapi import FastAPI
from pipeline import trained
from pydantic import BaseModel


class Row(BaseModel):
    carrier: str
    origin: str
    dest: str
    distance: int
    hour: int
    weekday: int


app = FastAPI()
model = trained(sys.argv[1])


@app.post("/predict")
async def predict(row: Row) -> dict[str, float]:
    return {"score": float(model.predict_proba(pd.DataFrame([row.model_dump()]))[0, 1])}


uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
