"""Which part of label-aware contrastive loss matters?"""
