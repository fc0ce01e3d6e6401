"""The demo's address: a situation is sent to a colleague, and nothing that somebody typed goes along."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.demo_ehr import DemoEhr, request

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-demo")]


def test_link_restores_the_situation(page: Page) -> None:
    """Patient, orders as changed by what was accepted, sources and hook come back, and so does the answer."""
    ehr = DemoEhr(page, "pacemaker")
    ehr.take_away("allergies", "not sent")
    ehr.sign()
    told = ehr.summaries
    ehr.accept("Add CT myelography")
    drafts, link = ehr.drafts, page.url
    assert len(drafts) == 2
    ehr.revisit(link)
    expect(ehr.cards).to_have_count(1)
    assert (ehr.drafts, ehr.summaries) == (drafts, told)  # in full: the colleague has answered nothing
    assert "allergies" not in ehr.sent()["prefetch"]
    assert ehr.sent()["hook"] == "order-sign"
    assert page.url == link


def test_answers_stand_in_a_link_as_what_they_mean(page: Page) -> None:
    """An answer in fixed words is restored from its id, dated today; the card that it led to is there again."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    ehr.accept("A red flag is present")
    ehr.accept("Saddle, bladder, bowel sign: yes")
    link, summaries = page.url, ehr.summaries
    assert "answer.ces.yes" in link
    assert "Saddle" not in link
    ehr.revisit(link)
    expect(ehr.cards).to_have_count(len(summaries))
    assert ehr.summaries == summaries
    expect(page.locator(".draft .chip", has_text="stat")).to_have_count(1)


def test_entered_order_is_restored(page: Page) -> None:
    """Study, reason, priority and what is selected come back; the note does not."""
    ehr = DemoEhr(page, "failed-six-weeks")
    page.get_by_text("Order something").click()
    page.get_by_label("Order", exact=True).select_option(label="MRI lumbar spine without and with contrast")
    page.get_by_label("Foot drop").check()
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Note to radiology").fill("daughter of Mr Typed calls back")
    page.get_by_role("button", name="Add to the draft orders").click()
    ehr.select()
    sent = ehr.sent()["context"]["draftOrders"]["entry"][1]["resource"]
    link = page.url
    assert "Typed" not in link
    ehr.revisit(link)
    expect(page.locator(".exchange")).to_have_count(1)
    context = ehr.sent()["context"]
    restored = context["draftOrders"]["entry"][1]["resource"]
    same = ("code", "priority", "reasonCode", "authoredOn", "subject")
    assert {name: restored[name] for name in same} == {name: sent[name] for name in same}
    assert "note" not in restored
    assert context["selections"] == [f"ServiceRequest/{restored['id']}"]


def test_link_in_an_open_page_is_followed(page: Page) -> None:
    """A link that is pasted over the address of the open page opens what it names."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    page.evaluate("location.hash = '#patient=pacemaker&hook=order-sign'")
    expect(page.locator("#person-name")).not_to_contain_text("Demo-Alder")
    expect(ehr.cards.first).to_contain_text("pacemaker")


@pytest.mark.parametrize(
    "wrong",
    ["patient=nobody", "patient=pacemaker&order=own.9&source=x.y&hook=z", "patient=pacemaker&order=new.nothing,a.b"],
)
def test_broken_link_opens_what_can_be_opened(page: Page, wrong: str) -> None:
    """An address of an older page, or a mistyped one, leaves no dead page."""
    ehr = DemoEhr(page)
    ehr.revisit(f"/demo#{wrong}")
    expect(page.locator("#person-name")).not_to_be_empty()
    expect(ehr.cards).to_have_count(0)


def test_pasted_request_is_never_in_the_address(page: Page) -> None:
    """A request that somebody pasted may be about anybody; the address then names nothing."""
    ehr = DemoEhr(page, "pacemaker")
    ehr.paste(json.dumps(request("cauda-equina")))
    ehr.accept("Raise the MRI to stat")
    address = urlsplit(page.url)
    assert (address.path, address.query, address.fragment) == ("/demo", "", "")
