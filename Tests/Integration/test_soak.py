"""The short form of `make soak`: a few faults within half a minute, and the same verdicts at the end."""

import soak as soak_module
import stage as stage_module


def test_x12_a_short_soak_loses_no_task_and_grows_nothing():
    with stage_module.Stage("nginx", settings=soak_module.ONE_PARTITION) as stage:
        soak = soak_module.Soak(stage, minutes=0.75, seed=3)
        try:
            soak.run()
            assert len(soak.faults) >= 3
        finally:
            soak.close()
