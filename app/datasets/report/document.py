"""Assemble the report of datasets."""

from collections.abc import Sequence

from app.datasets.cleaning import Cleaned
from app.datasets.merging import merge
from app.datasets.report.dataset_section import make_dataset_section
from app.datasets.report.task_section import TaskSteps, make_task_section
from app.datasets.splits.resampling import resample
from app.datasets.splits.splitting import divide
from app.datasets.tasks import Task
from app.errors import SetupError
from app.report.blocks import Document

LEAD = (
    "Counts and pictures of each step from metadata to training: cleaning, merging, splitting and "
    "resampling. Light bars are before a step, dark bars after it, unless a legend says otherwise."
)


def make_document(
    cleaned: Sequence[Cleaned], tasks: Sequence[Task], target: int | None, seed: int
) -> Document:
    """Assemble a report.

    Args:
        cleaned: The datasets.
        tasks: The tasks to merge them into; each is split, artists apart.
        target: The number of tracks of each tag in an epoch of training; None to leave them.
        seed: Of the splits and the resampling.

    Raises:
        SetupError: No track has a tag of a task, or two datasets have the same name.
    """
    sections = [make_dataset_section(each) for each in cleaned]
    sections += [make_task_section(_run(task, cleaned, target, seed), cleaned) for task in tasks]
    return Document("The datasets", LEAD, tuple(sections))


def _run(task: Task, cleaned: Sequence[Cleaned], target: int | None, seed: int) -> TaskSteps:
    merged, wrangled = merge(task, cleaned)
    try:
        divided = divide(merged, seed=seed)
    except SetupError as error:  # too few artists: the merge can be shown all the same
        return TaskSteps(merged, wrangled, None, problem=str(error))
    resampled = resample(divided.split, target, seed) if target else None
    return TaskSteps(merged, wrangled, divided, resampled)
