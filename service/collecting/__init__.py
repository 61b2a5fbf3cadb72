"""The commands of who collects: alerts, promises, dunning, measures, and the worklist of today."""
