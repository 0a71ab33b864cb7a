"""Translations written by hand, one for each construction."""

from __future__ import annotations

import pytest
from grammar_builders import (
    ADJECTIVES,
    ADVERBS,
    BARK,
    BITE,
    BUY,
    CLIMB,
    COME_BACK,
    CRY,
    DANCE,
    DRINK,
    EAT,
    EAT_ANIMAL,
    FLY,
    FOLLOW,
    GET_UP,
    GIVE,
    GO,
    HELP,
    KNOW,
    KNOW_THAT,
    LAY,
    LIE,
    LISTEN_TO,
    LIVE,
    PUT,
    PUT_ON,
    READ,
    READ_TO,
    REPAIR,
    RIDE,
    SEE,
    SELL,
    SING,
    SIT,
    SLEEP,
    SMILE,
    SWIM,
    THANK,
    TURN_OFF,
    VISIT,
    WAIT_FOR,
    WORK,
    WRITE,
    adv,
    arg,
    cl,
    gap,
    is_,
    np,
    st,
)

from lessons_lib.grammar import english, german
from lessons_lib.grammar.mirrors import mirror
from lessons_lib.grammar.modifiers import IT
from lessons_lib.grammar.structures import Clause, Gap, PronounPhrase, Sentence

THINGS_TO_SAY: list[tuple[Sentence, str, str]] = [
    # cases, agreement, the mirror
    (st(cl("the dog", BITE, ("acc", "the man"))), "The dog bites the man.", "Der Hund beißt den Mann."),
    (mirror(st(cl("the dog", BITE, ("acc", "the man")))), "The man bites the dog.", "Der Mann beißt den Hund."),
    (mirror(st(cl("the dogs", BITE, ("acc", "the child")))), "The child bites the dogs.", "Das Kind beißt die Hunde."),
    (st(cl("the women", HELP, ("dat", "the men"))), "The women help the men.", "Die Frauen helfen den Männern."),
    (st(cl("the boy", THANK, ("dat", "the farmer"))), "The boy thanks the farmer.", "Der Junge dankt dem Bauern."),
    (st(cl("the student", SEE, ("acc", "the bear"))), "The student sees the bear.", "Der Student sieht den Bären."),
    (st(cl("he", FOLLOW, ("dat", "she"))), "He follows her.", "Er folgt ihr."),
    (st(cl("she", SEE, ("acc", "he"))), "She sees him.", "Sie sieht ihn."),
    (st(cl("I", LISTEN_TO, ("dat", "they"))), "I listen to them.", "Ich höre ihnen zu."),
    # adjectives: weak, mixed, strong
    (st(cl("the old man", READ, ("acc", "a new book"))), "The old man reads a new book.", "Der alte Mann liest ein neues Buch."),
    (
        st(cl("an old man", HELP, ("dat", "the small children"))),
        "An old man helps the small children.",
        "Ein alter Mann hilft den kleinen Kindern.",
    ),
    (st(cl("she", DRINK, ("acc", "- hot coffee"))), "She drinks hot coffee.", "Sie trinkt heißen Kaffee."),
    (st(cl("my aunt", BUY, ("acc", "- red flowers"))), "My aunt buys red flowers.", "Meine Tante kauft rote Blumen."),
    (
        st(cl("many happy girls", KNOW, ("acc", "this famous singer"))),
        "Many happy girls know this famous singer.",
        "Viele glückliche Mädchen kennen diesen berühmten Sänger.",
    ),
    (st(is_("the kitchen", "dark")), "The kitchen is dark.", "Die Küche ist dunkel."),
    (st(cl("the cat", CLIMB, ("climb_acc", "a tall tree"))), "The cat climbs a tall tree.", "Die Katze klettert auf einen hohen Baum."),
    (
        st(cl("the uncle", SIT, ("sit_dat", "an expensive chair"))),
        "The uncle sits on an expensive chair.",
        "Der Onkel sitzt auf einem teuren Stuhl.",
    ),
    # word order: verb second, adverbs
    (
        st(cl("the woman", READ, ("acc", "the book"), fronted=ADVERBS["today"])),
        "Today the woman reads the book.",
        "Heute liest die Frau das Buch.",
    ),
    (
        st(cl("the woman", READ, ("acc", "the book"), fronted=arg("in_place", "the garden"))),
        "In the garden the woman reads the book.",
        "Im Garten liest die Frau das Buch.",
    ),
    (
        st(cl("the doctor", VISIT, ("acc", "he"), fronted=ADVERBS["every day"])),
        "Every day the doctor visits him.",
        "Jeden Tag besucht ihn der Arzt.",
    ),
    (st(cl("the woman", SEE, ("acc", "she"), fronted=ADVERBS["today"])), "Today the woman sees her.", "Heute sieht die Frau sie."),
    (
        st(cl("the boy", WRITE, ("acc", "a letter"), adverbs=adv("often"))),
        "The boy often writes a letter.",
        "Der Junge schreibt oft einen Brief.",
    ),
    (
        st(cl("the baker", HELP, ("dat", "the boy"), adverbs=adv("never"))),
        "The baker never helps the boy.",
        "Der Bäcker hilft dem Jungen nie.",
    ),
    (
        st(cl("he", READ, ("acc", "a poem"), adjunct=arg("in_place", "the park"), adverbs=adv("in the evening"))),
        "He reads a poem in the park in the evening.",
        "Er liest am Abend im Park ein Gedicht.",
    ),
    # separable verbs
    (st(cl("the child", GET_UP, adverbs=adv("early"))), "The child gets up early.", "Das Kind steht früh auf."),
    (
        Sentence("sub_last", cl("I", SMILE), cl("the child", GET_UP), ("when", "wenn")),
        "I smile when the child gets up.",
        "Ich lächle, wenn das Kind aufsteht.",
    ),
    (st(cl("she", PUT_ON, ("acc", "her coat"), perfect=True)), "She has put on her coat.", "Sie hat ihren Mantel angezogen."),
    (st(cl("we", TURN_OFF, ("acc", "the lamp"), modal="must")), "We must turn off the lamp.", "Wir müssen die Lampe ausschalten."),
    (
        st(cl("his mother", READ_TO, ("dat", "they"), ("acc", "a story"))),
        "His mother reads them a story.",
        "Seine Mutter liest ihnen eine Geschichte vor.",
    ),
    # negation
    (st(cl("the dog", BITE, ("acc", "the man"), negated=True)), "The dog does not bite the man.", "Der Hund beißt den Mann nicht."),
    (st(cl("she", EAT, ("acc", "an apple"), negated=True)), "She does not eat an apple.", "Sie isst keinen Apfel."),
    (st(cl("they", DRINK, ("acc", "- milk"), negated=True)), "They do not drink milk.", "Sie trinken keine Milch."),
    (st(cl("he", WAIT_FOR, ("wait_for", "the bus"), negated=True)), "He does not wait for the bus.", "Er wartet nicht auf den Bus."),
    (st(is_("the house", "old", negated=True)), "The house is not old.", "Das Haus ist nicht alt."),
    (
        st(cl("the king", PUT_ON, ("acc", "the coat"), negated=True)),
        "The king does not put on the coat.",
        "Der König zieht den Mantel nicht an.",
    ),
    (st(cl("we", SWIM, negated=True, modal="can")), "We cannot swim.", "Wir können nicht schwimmen."),
    (st(cl("no cat", BARK)), "No cat barks.", "Keine Katze bellt."),
    # modal verbs and the perfect
    (
        st(cl("the girl", READ, ("acc", "the letter"), modal="want to")),
        "The girl wants to read the letter.",
        "Das Mädchen will den Brief lesen.",
    ),
    (st(cl("he", WORK, modal="should")), "He should work.", "Er sollte arbeiten."),
    (st(cl("the birds", FLY, perfect=True)), "The birds have flown.", "Die Vögel sind geflogen."),
    (
        st(cl("my brother", REPAIR, ("acc", "the bike"), perfect=True, adverbs=adv("already"))),
        "My brother has already repaired the bike.",
        "Mein Bruder hat das Fahrrad schon repariert.",
    ),
    # verb last
    (
        Sentence("sub_last", cl("the woman", SLEEP), is_("she", "tired"), ("because", "weil")),
        "The woman sleeps because she is tired.",
        "Die Frau schläft, weil sie müde ist.",
    ),
    (
        Sentence("sub_last", cl("she", KNOW_THAT), cl("the dog", BITE, ("acc", "the man"), perfect=True), ("that", "dass")),
        "She knows that the dog has bitten the man.",
        "Sie weiß, dass der Hund den Mann gebissen hat.",
    ),
    (
        Sentence("sub_last", cl("I", KNOW_THAT, negated=True), cl("he", SWIM, modal="can"), ("whether", "ob")),
        "I do not know whether he can swim.",
        "Ich weiß nicht, ob er schwimmen kann.",
    ),
    (
        Sentence("sub_first", cl("the mother", SING), cl("the baby", CRY), ("when", "wenn")),
        "When the baby cries, the mother sings.",
        "Wenn das Baby weint, singt die Mutter.",
    ),
    (
        Sentence(
            "sub_last",
            cl("he", SELL, ("acc", "the table")),
            Clause(PronounPhrase(IT["m"]), predicate=ADJECTIVES["old"]),
            ("because", "weil"),
        ),
        "He sells the table because it is old.",
        "Er verkauft den Tisch, weil er alt ist.",
    ),
    # relative clauses
    (
        st(is_(np("the man", cl(gap("man"), READ, ("acc", "the book"))), "old")),
        "The man who reads the book is old.",
        "Der Mann, der das Buch liest, ist alt.",
    ),
    (
        st(is_(np("the man", cl("the dog", BITE, ("acc", gap("man")))), "sad")),
        "The man whom the dog bites is sad.",
        "Der Mann, den der Hund beißt, ist traurig.",
    ),
    (
        st(cl("he", SEE, ("acc", np("the woman", cl("the child", HELP, ("dat", gap("woman"))))))),
        "He sees the woman whom the child helps.",
        "Er sieht die Frau, der das Kind hilft.",
    ),
    (
        st(is_(np("the children", cl("I", HELP, ("dat", gap("children")))), "happy")),
        "The children whom I help are happy.",
        "Die Kinder, denen ich helfe, sind glücklich.",
    ),
    (
        st(is_(np("the house", cl("the queen", LIVE, ("in_home", gap("house")))), "big")),
        "The house in which the queen lives is big.",
        "Das Haus, in dem die Königin wohnt, ist groß.",
    ),
    (
        st(cl("the cook", GO, ("to", np("the doctor", cl("he", KNOW, ("acc", gap("doctor"))))))),
        "The cook goes to the doctor whom he knows.",
        "Der Koch geht zu dem Arzt, den er kennt.",
    ),
    (
        st(is_(np("the friend", cl("she", GIVE, ("dat", gap("friend")), ("acc", "the ball"))), "nice")),
        "The friend to whom she gives the ball is nice.",
        "Der Freund, dem sie den Ball gibt, ist nett.",
    ),
    # two objects, prepositions that choose their case
    (
        st(cl("the man", GIVE, ("dat", "the woman"), ("acc", "a flower"))),
        "The man gives the woman a flower.",
        "Der Mann gibt der Frau eine Blume.",
    ),
    (
        st(cl("she", LAY, ("acc", "the key"), ("on_acc", "the table"))),
        "She puts the key on the table.",
        "Sie legt den Schlüssel auf den Tisch.",
    ),
    (
        st(cl("she", PUT, ("acc", "the cup"), ("under_acc", "the bed"))),
        "She puts the cup under the bed.",
        "Sie stellt die Tasse unter das Bett.",
    ),
    (st(cl("the key", LIE, ("on_dat", "the table"))), "The key lies on the table.", "Der Schlüssel liegt auf dem Tisch."),
    (st(cl("the girls", GO, ("into", "the house"))), "The girls go into the house.", "Die Mädchen gehen ins Haus."),
    (st(cl("I", GO, ("to", "the school"))), "I go to the school.", "Ich gehe zur Schule."),
    (st(cl("a man", RIDE, ("cycle_dat", "a bike"))), "A man rides a bike.", "Ein Mann fährt mit einem Fahrrad."),
    (st(cl("the cow", EAT_ANIMAL, ("acc", "an apple"))), "The cow eats an apple.", "Die Kuh frisst einen Apfel."),
    # questions, coordination
    (Sentence("question", cl("the man", SEE, ("acc", "the dog"))), "Does the man see the dog?", "Sieht der Mann den Hund?"),
    (
        Sentence("question", cl("the police officer", COME_BACK, perfect=True)),
        "Has the police officer come back?",
        "Ist der Polizist zurückgekommen?",
    ),
    (Sentence("wh", cl(Gap("question", True), HELP, ("dat", "the man"))), "Who helps the man?", "Wer hilft dem Mann?"),
    (Sentence("wh", cl("the man", HELP, ("dat", Gap("question", True)))), "Who does the man help?", "Wem hilft der Mann?"),
    (Sentence("wh", cl("the dog", BITE, ("acc", Gap("question", True)))), "Who does the dog bite?", "Wen beißt der Hund?"),
    (Sentence("wh", cl("she", READ, ("acc", Gap("question", False)))), "What does she read?", "Was liest sie?"),
    (
        Sentence("wh", cl("he", GIVE, ("dat", Gap("question", True)), ("acc", "the key"))),
        "Who does he give the key to?",
        "Wem gibt er den Schlüssel?",
    ),
    (Sentence("wh", cl("the child", CRY), link=("why", "warum")), "Why does the child cry?", "Warum weint das Kind?"),
    (
        Sentence("coordinate", is_("the man", "old"), is_("the dog", "young"), ("but", "aber")),
        "The man is old, but the dog is young.",
        "Der Mann ist alt, aber der Hund ist jung.",
    ),
    (
        Sentence("coordinate", cl("the man", SING), cl("the woman", DANCE), ("and", "und")),
        "The man sings and the woman dances.",
        "Der Mann singt und die Frau tanzt.",
    ),
]


@pytest.mark.parametrize(("sentence", "english_text", "german_text"), THINGS_TO_SAY, ids=[item[1] for item in THINGS_TO_SAY])
def test_said_as_a_person_says_it(sentence: Sentence, english_text: str, german_text: str) -> None:
    assert english.say(sentence) == english_text
    assert german.say(sentence) == german_text
