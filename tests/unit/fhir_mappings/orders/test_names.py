"""Names of orderables as sites write them: which are MRI of the lumbar spine, and with which contrast."""

from __future__ import annotations

import pytest

from fhir_mappings.orders.names import ContrastClass, is_like_spine_mri, lumbar_mri_contrast

WITHOUT, WITH = ContrastClass.WITHOUT, ContrastClass.WITH
BOTH, UNSPECIFIED = ContrastClass.WITHOUT_AND_WITH, ContrastClass.UNSPECIFIED

OURS = {
    WITHOUT: """
        MRI L-SPINE WO CONTRAST
        MRI L-spine wo
        MR lumbar spine w/o contrast
        MR LUMBAR SPINE WO CONTRAST
        MR LUMBAR SPINE WITHOUT CONTRAST
        MR Lumbar Spine WO
        MRI LUMBAR SPINE W/O
        MRI LUMBAR SPINE W/O CONTRAST
        MRI SPINE LUMBAR WO CONTRAST
        MRI SPINE LUMBAR WO IV CON
        MRI Lumbar w/o contrast
        MRI lumbar spine w/out contrast
        MRI LUMBAR SPINE NON-CONTRAST
        MRI lumbar spine noncontrast
        MRI lumbar noncon
        MRI lumbar spine, no contrast
        MRI Lumbar Spine No Gad
        MR Lumbar spine plain
        MRI lumbar spine unenhanced
        MR Spine Lumbosacral WO Contrast
        MR LS SPINE WO
        MRI L/S SPINE W/O CONTRAST
        HC MRI LUMBAR SPINE WO CONTRAST
        IMG MRI LUMBAR SPINE WO CONTRAST [IMG269]
        MRI_LUMBAR_SPINE_WO
        MRI LUMBAR SPINE WITHOUT CONTRAST LIMITED
        MRI Lumbar Spine with Sedation without Contrast
        MR Thoracic and lumbar spine WO contrast
        MR CERVICAL, THORACIC AND LUMBAR SPINE WO CONTRAST
        Magnetic resonance imaging of lumbar spine without contrast (procedure)
        Magnetic resonance (eg, proton) imaging, lumbar; without contrast material
        MRI lumbar spine w/o - call US if questions
        MRI lumbar spine wo - please let us know
        MRI lumbar spine w/o (outside imaging ok)
        MRI lumbar spine w/o, outside facility acceptable
        MRI lumbar spine w/o contrast if possible
        MRI lumbar w/o contrast, with contrast if needed
        MRI L-spine wo for referral to neurosurgery
    """,
    WITH: """
        MRI LUMBAR SPINE W CONTRAST
        MRI lumbar spine w/ contrast
        MR Lumbar spine W contrast IV
        MRI L SPINE WITH CONTRAST
        MRI SPINE LUMBAR W IV CON
        MRI lumbar spine with gad
        MRI lumbar spine gadolinium
        MRI LUMBAR W/CONTRAST
        MRI LUMBAR SPINE W/
        Contrast-enhanced MRI of lumbar spine
    """,
    BOTH: """
        MRI lumbar spine w + w/o contrast
        MRI LUMBAR SPINE W WO CONTRAST
        MRI SPINE LUMBAR W WO IV CON
        MRI LUMBAR SPINE W & WO CONTRAST
        MRI LUMBAR SPINE W/WO CONTRAST
        MRI Lumbar Spine W/ + W/O Contrast
        MRI lumbar w/wo
        MR LUMBAR SPINE WO/W
        MRI L-SPINE WO+W
        MRI L-SPINE WWO
        MRI LUMBAR W W/O CONTRAST
        MR Lumbar spine WO and W contrast IV
        MRI lumbar spine with and without contrast
        MRI lumbar spine without then with contrast
        MRI lumbar spine with/without contrast
        MRI L-spine +/- contrast
        MRI lumbar spine ± gad
        MRI lumbar spine pre and post contrast
        MRI lumbar spine pre/post gad
    """,
    UNSPECIFIED: """
        MRI LUMBAR SPINE
        MRI Spine Lumbar
        Lumbar MRI
        MR LS spine
        MRI LSPINE
        MRI - Lumbar Spine
        MR L Spine
        MRI lumbosacral spine
        MRI LUMBO-SACRAL SPINE
        MRI L5-S1
        MRI thoracolumbar spine
        MRI Dorsolumbar spine
        MRI TL SPINE
        MRI C/T/L SPINE
        MRI CTL spine
        MRI cervical, thoracic and lumbar spine
        MR THORACIC AND LUMBAR SPINE
        MRI lumbar spine and SI joints
        MRI lumbar spine and lumbosacral plexus
        MRI lumbar spine with sedation
        MRI LUMBAR SPINE WITH FLEXION AND EXTENSION
        MRI lumbar spine with or without contrast
        MRI lumbar spine w or w/o contrast per radiology
        Upright MRI lumbar spine
        MRI 3T LUMB SPINE
        magnetic resonance imaging of lumbar spine
        MAGNETIC RESONANCE IMAGING LUMBAR SPINE STAT
        MRI lumbar spine with contrast if indicated
        MRI lumbar spine w contrast prn
        MRI lumbar w/wo contrast as needed
    """,
}
NOT_OURS = """
    Ambulatory referral to Neurosurgery - MRI lumbar spine done
    Referral to PT, MRI lumbar spine reviewed
    MRI lumbar spine done at outside facility
    MRI lumbar spine outside images only
    US lumbar spine, MRI to follow
    MRI cervical spine wo contrast
    MRI C-SPINE W WO
    MRI SPINE THORACIC WO CONTRAST
    MRI T-spine
    MRI cervical and thoracic spine
    MRI NECK
    MRI BRAIN W WO CONTRAST
    MRI abdomen w/o contrast
    MRI PELVIS (GI/GU) W/ + W/O CONTRAST
    MRI HIP LEFT WO
    MRI sacrum and coccyx
    MRI SI JOINTS
    MRI lumbosacral plexus
    MR LUMBOSACRAL PLEXUS W WO CONTRAST
    MRI plexus, lumbar
    MRI LS plexus
    MRI neurography lumbar plexus
    MRI pelvis for lumbago
    MRI thoracic spine, not lumbar
    MRI whole spine
    MRI SPINE
    COLUMBIA MRI SPINE SURVEY
    RM columna
    IRM lombaire
    CT LUMBAR SPINE WO CONTRAST
    CT or MRI lumbar spine
    CT spine - Lumbar
    XR LUMBAR SPINE 2 VIEWS
    X-ray lumbar spine
    US LUMBAR SPINE
    FLUORO LUMBAR PUNCTURE
    MRI guided lumbar biopsy
    MRA lumbar spine
    MR angiography of lumbar spine
    OUTSIDE MRI LUMBAR SPINE REF ONLY
    MRI LUMBAR SPINE SECOND OPINION
    L-spine w/o contrast
    Lumbar spine
    Physical therapy for low back pain
    MRI
    see note
"""
OURS_LISTED = [(name.strip(), contrast) for contrast, names in OURS.items() for name in names.strip().splitlines()]
NOT_OURS_LISTED = [name.strip() for name in NOT_OURS.strip().splitlines()]


@pytest.mark.parametrize(("name", "contrast"), OURS_LISTED)
def test_lumbar_mri_is_known_by_its_name(name: str, contrast: ContrastClass) -> None:
    """However a site words it, an MRI of the lumbar spine is one, with the contrast that the words say."""
    assert lumbar_mri_contrast([name]) is contrast


@pytest.mark.parametrize("name", NOT_OURS_LISTED)
def test_other_studies_are_let_go(name: str) -> None:
    """Another way to look, another region alone, or a study made elsewhere is none of ours."""
    assert lumbar_mri_contrast([name]) is None


@pytest.mark.parametrize(
    ("names", "contrast"),
    [
        (["MRI", "L-spine w/o"], WITHOUT),
        (["MRI lumbar spine", "MRI LUMBAR SPINE W WO CONTRAST"], BOTH),
        (["MRI lumbar spine", "CT lumbar spine"], None),
        ([], None),
    ],
)
def test_names_of_one_study_are_read_together(names: list[str], contrast: ContrastClass | None) -> None:
    """What one name leaves open another may say; names of two studies are no name."""
    assert lumbar_mri_contrast(names) is contrast


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("MRI whole spine", True),
        ("MRI SPINE", True),
        ("MRI lower back", True),
        ("MR spinal canal", True),
        ("CT or MRI lumbar spine", True),
        ("MRI cervical spine", False),
        ("MRI T-SPINE", False),
        ("MRI lumbosacral plexus", False),
        ("MRI knee", False),
        ("CT lumbar spine", False),
        ("X-ray of the back", False),
        ("", False),
    ],
)
def test_what_may_have_been_missed(name: str, like: bool) -> None:
    """An MRI of the spine whose part is not told may be one that should have been recognised."""
    assert is_like_spine_mri([name]) is like


def test_a_long_text_is_no_name() -> None:
    """A story in place of a name is cut, so that it costs no more than a name."""
    assert lumbar_mri_contrast([f"MRI {'lum ' * 200_000} lumbar"]) is None
