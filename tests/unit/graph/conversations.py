"""Conversations, turn by turn, with each question as a standalone question.

A turn is `question => in full words`; without an arrow it is complete as it is asked. `~` before a
turn: it was refused or is small talk, so its answer came from no passage.
"""

from dataclasses import dataclass
from typing import Final

from app.domain.models import WordUse


@dataclass(frozen=True)
class Library:
    """The library's knowledge of the words in its conversations."""

    titled: str
    absent: str = ""
    within: str = ""  # `title: words of its source`, one a line

    @property
    def words(self) -> WordUse:
        within = (line.split(":") for line in self.within.strip().splitlines())
        return WordUse(
            titled=frozenset(self.titled.split()),
            absent=frozenset(self.absent.split()),
            within={title.strip(): frozenset(words.split()) for title, words in within},
        )


MEDICINES: Final = Library(
    "warfarin ibuprofen aripiprazole sertraline metformin amoxicillin lisinopril",
    absent="zolpidem mongolia france",
    within="""
        warfarin: side effects maximum dose monitored stored risks pregnancy alcohol foods
        ibuprofen: side effects maximum dose stored risks pregnancy
        sertraline: side effects maximum dose risks
    """,
)
POLICIES: Final = Library(
    "leave policy travel expense backup incident procedure security equipment battery bank",
    within="leave: days notice carry-over\n travel: limit receipt hotel",
)
REPORT: Final = Library("harbour textile sustainability report")
PLANT: Final = Library("emergency kit pump manual")
MEETING: Final = Library("team meeting")
SOFTWARE: Final = Library("dpkg apt systemd rsync postgresql nginx", absent="pacman")

CONVERSATIONS: Final = {
    "medicines": (
        MEDICINES,
        """
        What are the side effects of warfarin?
        And of ibuprofen? => What are the side effects of ibuprofen?
        Can they be taken together? => Can warfarin and ibuprofen be taken together?

        ~hello
        What are the side effects of warfarin?

        ~hello
        What are the risks?

        ~What is the capital of Mongolia?
        What are the risks?

        What are the side effects of warfarin?
        What about sertraline? => What are the side effects of sertraline?
        and aripiprazole => What are the side effects of aripiprazole?
        Which of them is safer? => Which of them is safer: sertraline or aripiprazole

        What is the maximum dose of ibuprofen?
        For children? => What is the maximum dose of ibuprofen for children?
        and for adults => What is the maximum dose of ibuprofen for adults?
        And of metformin? => What is the maximum dose of metformin for adults?

        Is warfarin safe in children?
        not in children, in adults => Is warfarin safe in adults?

        Is warfarin safe in children?
        I meant adults, not children => Is warfarin safe in adults?

        What are the side effects of warfarin?
        no, I meant aripiprazole => What are the side effects of aripiprazole?
        What is its maximum dose? => What is aripiprazole's maximum dose?

        What are the side effects of warfarin?
        sorry, of lisinopril => What are the side effects of lisinopril?

        What are the side effects of warfarin?
        ibuprofen instead of warfarin => What are the side effects of ibuprofen?

        What are the side effects of warfarin?
        ~thanks!
        How is it monitored? => How is warfarin monitored?
        why? => Why: How is warfarin monitored?
        tell me more => How is warfarin monitored?
        And which foods change its effect? => Which foods change warfarin's effect?

        What are the side effects of warfarin?
        ~What is the capital of Mongolia?
        ~And of France? => What is the capital of France?
        Is it safe in pregnancy? => Is warfarin safe in pregnancy?

        What are the side effects of warfarin?
        ~And of zolpidem? => What are the side effects of zolpidem?
        And of ibuprofen? => What are the side effects of ibuprofen?

        How is warfarin monitored?
        Does the same apply to metformin? => How is metformin monitored?

        What documents do you have?
        What are the risks?

        What documents do you have?
        What about warfarin?

        What are the side effects of warfarin?
        What is the maximum dose? => What is the maximum dose for warfarin?

        What are the side effects of warfarin?
        Which medicines are given to a patient that has diabetes?

        What are the side effects of warfarin?
        Is there a boxed warning for sertraline?

        What are the side effects of warfarin?
        Can one take ibuprofen at the same time as amoxicillin?

        What are the side effects of warfarin?
        Is it safe to drink alcohol with metformin?

        compare warfarin and ibuprofen
        Which is safer? => Which is safer: warfarin or ibuprofen
        What about the first one? => What about warfarin?

        Can I take ibuprofen with food?
        Without food? => Can I take ibuprofen without food?
        And with alcohol? => Can I take ibuprofen with alcohol?
        What about warfarin then? => Can I take warfarin with alcohol?

        Does metformin cause weight loss?
        Does ibuprofen? => Does ibuprofen cause weight loss?
        What about the other one? => What about metformin?

        Tell me about sertraline.
        How does it work? => How does sertraline work?
        Who should not take it? => Who should not take sertraline?
        Compare it to aripiprazole => Compare sertraline to aripiprazole

        Which side effects does warfarin have?
        Are they common? => Are side effects common?

        Which is safer, warfarin or ibuprofen?
        summarise it => summarise ibuprofen

        side effects warfarin
        ibuprofen? => side effects ibuprofen
        and its maximum dose => ibuprofen's maximum dose

        How is this medicine stored?

        What is warfarin?
        How is this medicine stored? => How is medicine warfarin stored?

        What are the side effects of warfarin?
        How long do they last? => How long do the side effects of warfarin last?
        """,
    ),
    "policies": (
        POLICIES,
        """
        How many days of annual leave do full-time employees have?
        And part-time employees? => How many days of annual leave do part-time employees have?
        What about sick leave? => How many days of sick leave do part-time employees have?
        Who approves it? => Who approves sick leave?

        How much may a hotel night on the mainland cost?
        And in capital cities? => How much may a hotel night in capital cities cost?

        Who approves travel expenses?
        How long does it take to approve a receipt?

        Who approves an expense of 1,200 euros?
        And of 5,000 euros? => Who approves an expense of 5,000 euros?

        How do employees claim their expenses?
        And contractors? => How do contractors claim their expenses?

        What does the leave policy say about carry-over?
        And about notice? => What does the leave policy say about notice?

        What does the leave policy say?
        How many days? => How many days for the leave policy?
        And sick leave? => How many days for the sick leave?
        Who approves it? => Who approves the sick leave?
        What about the travel policy? => Who approves the travel policy?

        What is the notice period for parental leave?
        Can it be shortened? => Can parental leave be shortened?

        What counts as a severity 2 incident?
        And severity 1? => What counts as a severity 1 incident?

        What is the leave policy?
        What is this document about?

        What does a kilowatt-hour cost in the evening?
        And at other times? => What does a kilowatt-hour cost at other times?
        """,
    ),
    "report": (
        REPORT,
        """
        What were the scope 1 emissions of Kolding?
        And of Esbjerg? => What were the scope 1 emissions of Esbjerg?
        And scope 2? => What were the scope 2 emissions of Esbjerg?
        And in 2024? => What were the scope 2 emissions of Esbjerg in 2024?
        and 2023? => What were the scope 2 emissions of Esbjerg in 2023?

        How much fresh water did the dye houses use?
        And the weaving mills? => How much fresh water did the weaving mills use?

        How many employees does Harbour Textile have?
        And suppliers? => How many suppliers does Harbour Textile have?
        What targets were set?

        Which suppliers failed the audit and why?
        What are they doing about it? => What are suppliers doing about the audit?

        Why did the counter-flow line break down?
        How long did it take to repair? => How long did the counter-flow line take to repair?
        When was it restarted? => When was the counter-flow line restarted?

        What does chapter 7 say about chemicals?
        And chapter 8? => What does chapter 8 say about chemicals?

        What did the board decide in March?
        And in April? => What did the board decide in April?
        And the executive committee? => What did the executive committee decide in April?

        How much water was used in 2025?
        And electricity? => How much electricity was used in 2025?
        Why did it rise? => Why did electricity rise?

        Who is the plant manager?
        What is her phone number? => What is the plant manager's phone number?
        And the deputy? => What is the deputy's phone number?

        What happened on 3 May?
        And on 4 May? => What happened on 4 May?

        ~Who won the world cup?
        What are the risks?
        what about page 3 => What are the risks page 3?

        Is Imran mentioned anywhere?
        What did he say about chemicals? => What did Imran say about chemicals?

        What did Harbour Textile do about its emissions?
        """,
    ),
    "plant": (
        PLANT,
        """
        What must be in the emergency kit?
        Is there insulin in the emergency kit?
        Who checks it? => Who checks the emergency kit?
        How often? => How often: Who checks the emergency kit?

        How do I restart the pump?
        And then? => Then: How do I restart the pump?
        And the compressor? => How do I restart the compressor?
        Where is it? => Where is the compressor?

        What is the alarm limit of valve V2?
        And V3? => What is the alarm limit of valve V3?
        And of valve V4? => What is the alarm limit of valve V4?
        How often is it tested? => How often is valve V4 tested?
        Is there one valve that is never tested?

        What is the alarm limit of valve V2?
        No, V5 => What is the alarm limit of valve V5?

        How do I restart the pump?
        Is it possible to restart the compressor without a key?
        """,
    ),
    "meeting": (
        MEETING,
        """
        What did Priya say about the budget?
        When did she say that? => When did Priya say that: What did Priya say about the budget?
        And Imran? => What did Imran say about the budget?
        And about the deadline? => What did Imran say about the deadline?
        What else did he say? => What else did Imran say?

        What did we decide in the team meeting?
        Who decided that? => Who decided that: What did we decide in the team meeting?
        And in the board meeting? => What did we decide in the board meeting?
        """,
    ),
    "software": (
        SOFTWARE,
        """
        How do I list installed packages with dpkg?
        And with apt? => How do I list installed packages with apt?
        and in systemd? => How do I list installed packages in systemd?

        How do I install postgresql?
        And on Debian? => How do I install postgresql on Debian?
        How do I back it up? => How do I back postgresql up?

        What ports does nginx need?
        And apt? => What ports does apt need?
        Are they open by default? => Are nginx and apt open by default?
        What is the difference between them? => What is the difference between nginx and apt?

        Which port does nginx use?
        And postgresql? => Which port does postgresql use?
        How do I change it? => How do I change postgresql?

        What does the option -a of rsync do?
        Does it keep permissions? => Does rsync keep permissions?

        Where are the logs of nginx stored?
        How long are they kept? => How long are the logs of nginx kept?
        And of postgresql? => How long are the logs of postgresql kept?
        """,
    ),
    "long": (
        MEDICINES,
        """
        ~hello
        What are the side effects of warfarin?
        And of ibuprofen? => What are the side effects of ibuprofen?
        Can they be taken together? => Can warfarin and ibuprofen be taken together?
        ~thank you
        What is the maximum dose of sertraline?
        and for children? => What is the maximum dose of sertraline for children?
        ~What is the capital of Mongolia?
        ~hi again
        Is it safe in pregnancy? => Is sertraline safe in pregnancy?
        why not? => Why not: Is sertraline safe in pregnancy?
        What about aripiprazole? => Is aripiprazole safe in pregnancy?
        And metformin? => Is metformin safe in pregnancy?
        Can it be crushed? => Can metformin be crushed?
        ~What is love?
        ~Who wrote Hamlet?
        ~ok
        tell me more => Can metformin be crushed?
        no, I meant amoxicillin => Can amoxicillin be crushed?
        And is it taken with food? => Is amoxicillin taken with food?
        How long does amoxicillin keep after mixing?
        """,
    ),
}
