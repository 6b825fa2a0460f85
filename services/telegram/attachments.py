"""The attachment of a message, whose content is not stored: pure, from JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.domain.origin import Attachment
from services.telegram.fields import Raw, clean, string


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = (
    *("photo", "voice", "video", "video_note", "audio", "animation", "document", "sticker", "story"),
    *("venue", "location", "contact", "poll", "dice", "game", "checklist", "paid_media", "invoice"),
)
"""By the name that each has in a message. A message with a venue or an animation has a location or a document
as well: the first one counts."""

SERVICE = _names(
    """
    boost_added channel_chat_created chat_background_set chat_owner_changed chat_owner_left
    chat_shared checklist_tasks_done connected_website delete_chat_photo
    direct_message_price_changed forum_topic_closed forum_topic_created forum_topic_edited
    forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden
    gift_upgrade_sent giveaway giveaway_completed giveaway_created giveaway_winners
    group_chat_created left_chat_member left_chat_participant message_auto_delete_timer_changed
    migrate_from_chat_id migrate_to_chat_id new_chat_member new_chat_members new_chat_participant
    new_chat_photo new_chat_title paid_message_price_changed passport_data pinned_message
    proximity_alert_triggered refunded_payment successful_payment suggested_post_approval_failed
    suggested_post_approved suggested_post_declined suggested_post_paid suggested_post_refunded
    supergroup_chat_created unique_gift user_shared users_shared video_chat_ended
    video_chat_participants_invited video_chat_scheduled video_chat_started web_app_data
    write_access_allowed
    """
)
"""The members of messages that Telegram itself sends."""

ENVELOPE = _names(
    """
    author_signature business_connection_id caption caption_entities chat date direct_messages_topic
    edit_date effect_id entities external_reply forward_date forward_from forward_from_chat
    forward_from_message_id forward_origin forward_sender_name forward_signature from
    has_media_spoiler has_protected_content is_automatic_forward is_from_offline is_paid_post
    is_topic_message link_preview_options media_group_id message_id message_thread_id
    paid_star_count quote reply_markup reply_to_checklist_task_id reply_to_message reply_to_story
    sender_boost_count sender_business_bot sender_chat sender_tag show_caption_above_media
    suggested_post_info text via_bot
    """
)
"""The members around the content of a message."""

_TELLING = _names(
    """
    address description emoji file_name first_name last_name latitude longitude name performer
    phone_number question text title value
    """
)
"""The members of an attachment that are texts or numbers."""


def attachment_of(message: Raw) -> Attachment | None:
    """The attachment of a message; an unknown kind is noted by its name."""
    known = {*SERVICE, *ENVELOPE}
    others = [name for name, value in message.items() if isinstance(value, Mapping | list)]
    for kind in (*KINDS, *others):
        content = None if kind in known else message.get(kind)
        if content:
            return Attachment(clean(kind), _file(content), " ".join(_telling(content)) or None)
    return None


def stub(attachment: Attachment) -> str:
    """The text of a message that has no words: its kind and the kind's details."""
    return f"({attachment.kind.replace('_', ' ')})" + (f" {attachment.words}" if attachment.words else "")


def _file(content: object) -> str | None:
    """The id of the file; of several sizes, the largest, which is the last."""
    return string(content[-1] if isinstance(content, list) and content else content, "file_id")


def _telling(content: object) -> Iterator[str]:
    if isinstance(content, list):
        for item in content:
            yield from _telling(item)
    elif isinstance(content, Mapping):
        for name, value in content.items():
            if name in _TELLING and isinstance(value, str | int | float) and str(value).strip():
                yield clean(str(value))
            elif name != "thumbnail":
                yield from _telling(value)
