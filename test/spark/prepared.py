"""Checks what prepare.py has written against a computation of its own from the CSVs, and says what it found.

    prepared.py URI FOLDER

FOLDER is the data that prepare.py was given. Prints one JSON object.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import flight

HOURS = 8760
WEATHER = {
    "outdoor_dry_bulb_temperature": "Outdoor Drybulb Temperature [C]",
    "outdoor_relative_humidity": "Relative Humidity [%]",
    "diffuse_solar_irradiance": "Diffuse Solar Radiation [W/m2]",
    "direct_solar_irradiance": "Direct Solar Radiation [W/m2]",
}


def read_csv(path: Path) -> dict[str, np.ndarray]:
    """Columns by their headings, as the file has them."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def predicted(table: dict[str, np.ndarray], name: str, heading: str) -> dict[str, np.ndarray]:
    ahead = {f"{name}_predicted_{hours}h": table[f"{hours}h Prediction {heading}"] for hours in (6, 12, 24)}
    return {name: table[heading], **ahead}


def lagged(column: np.ndarray, hours: int) -> np.ndarray:
    return np.array([column[max(0, t - hours)] if t >= hours else column[0] for t in range(HOURS)])


def next_hour(column: np.ndarray) -> np.ndarray:
    def at(t: int) -> float:
        past = [column[t + 1 - hours] for hours in (24, 48, 72) if t + 1 - hours >= 0]
        return float(np.mean(past)) if past else float(column[t])

    return np.array([at(t) for t in range(HOURS)])


def expected(folder: Path, building: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Raw columns and features, not yet normalised, of one house."""
    house = read_csv(folder / f"Building_{building}.csv")
    weather, pricing = read_csv(folder / "weather.csv"), read_csv(folder / "pricing.csv")
    carbon = read_csv(folder / "carbon_intensity.csv")["kg_CO2/kWh"]
    schema = json.loads((folder / "schema.json").read_text())
    power = schema["buildings"][f"Building_{building}"]["pv"]["attributes"]["nominal_power"]
    load, solar = house["Equipment Electric Power [kWh]"], power * house["Solar Generation [W/kW]"] / 1000
    raw = {
        "building": np.full(HOURS, building),
        "t": np.arange(HOURS),
        "month": house["Month"],
        "day_type": house["Day Type"],
        "hour": house["Hour"],
        **{k: v for name, heading in WEATHER.items() for k, v in predicted(weather, name, heading).items()},
        "carbon_intensity": carbon,
        "non_shiftable_load": load,
        "solar_generation": solar,
        **predicted(pricing, "electricity_pricing", "Electricity Pricing [$]"),
    }
    features = {
        "feature_hour_sin": np.sin(2 * np.pi * house["Hour"] / 24),
        "feature_hour_cos": np.cos(2 * np.pi * house["Hour"] / 24),
        "feature_month_sin": np.sin(2 * np.pi * house["Month"] / 12),
        "feature_month_cos": np.cos(2 * np.pi * house["Month"] / 12),
        "feature_weekend": (house["Day Type"] >= 6).astype(float),
        "feature_load": load,
        "feature_load_lag1": lagged(load, 1),
        "feature_load_lag24": lagged(load, 24),
        "feature_load_next": next_hour(load),
        "feature_solar": solar,
        "feature_solar_lag1": lagged(solar, 1),
        "feature_solar_lag24": lagged(solar, 24),
        "feature_solar_next": next_hour(solar),
        "feature_price": raw["electricity_pricing"],
        "feature_price_6h": raw["electricity_pricing_predicted_6h"],
        "feature_price_12h": raw["electricity_pricing_predicted_12h"],
        "feature_price_24h": raw["electricity_pricing_predicted_24h"],
        "feature_carbon": carbon,
        "feature_direct_6h": raw["direct_solar_irradiance_predicted_6h"],
        "feature_direct_12h": raw["direct_solar_irradiance_predicted_12h"],
        "feature_diffuse_6h": raw["diffuse_solar_irradiance_predicted_6h"],
        "feature_temperature": raw["outdoor_dry_bulb_temperature"],
        "feature_temperature_6h": raw["outdoor_dry_bulb_temperature_predicted_6h"],
    }
    return raw, features


def parts(client: flight.FlightClient, dataset: str) -> tuple[pa.Schema, list[list[pa.RecordBatch]]]:
    info = client.get_flight_info(flight.FlightDescriptor.for_path(*dataset.split("/")))
    return info.schema, [[c.data for c in client.do_get(endpoint.ticket)] for endpoint in info.endpoints]


def check(uri: str, data: Path) -> dict[str, object]:
    wrong: list[str] = []
    layouts, kept = set(), {}
    with flight.connect(uri) as client:
        stored = {phase: parts(client, f"battery/phase_{phase}") for phase in (1, 2, 3)}
    wanted = {}
    for phase in stored:
        folder = data / "citylearn/data" / f"citylearn_challenge_2022_phase_{phase}"
        names = json.loads((folder / "schema.json").read_text())["buildings"]
        numbers = sorted(int(re.sub(r"\D", "", name)) for name in names)
        wanted[phase] = {number: expected(folder, number) for number in numbers}
    learned = [features for _, features in wanted[1].values()]
    for phase, (schema, batches) in stored.items():
        statistics = json.loads(schema.metadata[b"rayflight.features"])
        if len(batches) != len(wanted[phase]) or any(len(part) != 1 for part in batches):
            wrong.append(f"phase {phase} has parts of {[len(part) for part in batches]} batches")
        for (building, (raw, features)), part in zip(wanted[phase].items(), batches, strict=True):
            [batch] = part
            columns = {name: batch[name].to_numpy() for name in batch.schema.names}
            kept[building] = columns
            layouts.add(",".join(f"{f.name}:{f.type}{'?' if f.nullable else ''}" for f in batch.schema))
            wrong += [f"{building} {name}" for name, values in raw.items() if not np.array_equal(columns[name], values)]
            for name, values in features.items():
                year = np.concatenate([house[name] for house in learned])
                plain = name.endswith(("sin", "cos", "weekend"))
                mean, scale = (0.0, 1.0) if plain else (year.mean(), year.std())
                told = statistics[name]
                if not np.allclose([told["mean"], told["scale"]], [mean, scale], rtol=1e-8, atol=1e-12):
                    wrong.append(f"{building} statistics of {name}: {told}, not {mean} and {scale}")
                if not np.allclose(columns[name], (values - mean) / scale, rtol=1e-6, atol=2e-6):
                    wrong.append(f"{building} {name}")
    changed = changed_from(kept[6], kept[11]) if {6, 11} <= kept.keys() else {}
    return {"wrong": wrong, "layouts": sorted(layouts), "houses": sorted(kept), "changed": changed}


def changed_from(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, int]:
    """The first row in which two houses differ, by column, for those columns in which they do."""
    rows = {name: np.flatnonzero(one[name] != other[name]) for name in one if name != "building"}
    return {name: int(found[0]) for name, found in rows.items() if len(found)}


if __name__ == "__main__":
    print(json.dumps(check(sys.argv[1], Path(sys.argv[2]))))
