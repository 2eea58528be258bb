"""The parts of `template`: from source to tokens (`reader`), to nodes (`parser`), to code (`writer`)."""
