"""What a run is: its spec and identity, the profiles that list runs, the catalogue of corpora and encoders, and names."""
