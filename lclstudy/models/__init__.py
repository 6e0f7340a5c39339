"""What is trained: losses, objectives, encoders, and how texts become rows of a batch."""
