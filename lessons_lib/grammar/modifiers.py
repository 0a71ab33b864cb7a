"""Adjectives, adverbs, prepositions, modal verbs and personal pronouns of the grammar corpus."""

from __future__ import annotations

from lessons_lib.grammar.words import Gender, Modal, Pronoun

ADJECTIVES = """
big | groß | animal place furniture plant contain baked fruit vegetable clock gift -tiny -bread
small | klein | animal young place furniture plant contain baked fruit vegetable -hunter
old | alt | adult animal thing sung looked film house church hotel shop city village bridge -vegetable -fruit -food -plant
young | jung | adult animal -elder
new | neu | thing shop hotel school museum sung looked film -food -nature -plant -stone
beautiful | schön | woman girl queen place plant cloth picture song poem horse bird cat
red | rot | colored redfood bloom
blue | blau | colored
green | grün | colored greenfood
yellow | gelb | colored bloom
white | weiß | colored bloom pet duck
black | schwarz | colored pet bird cow
brown | braun | colored pet cow bear
good | gut | doctor teacher friend cook singer baker painter waiter student food drink read song film hotel restaurant answer question
hot | heiß | hot
cold | kalt | drink hot meat
warm | warm | warm warmed hot
heavy | schwer | heavy
cheap | billig | thing hotel restaurant drink -nobuy
expensive | teuer teur | thing hotel restaurant -nobuy
long | lang | long
short | kurz | long -river -train
fast | schnell | fast horse dog
friendly | freundlich | person barker
happy | glücklich | person
sad | traurig | person sad
tired | müde | living
hungry | hungrig | living
sick | krank | living
strong | stark | man boy brother son father uncle farmer police_officer horse bear lion wolf
clever | klug | person dog cat monkey
funny | lustig | person funny monkey
famous | berühmt | famous
poor | arm | adult young
empty | leer | empty contain cup bus
dirty | schmutzig | soiled clean_it cloth street pig window
clean | sauber | soiled clean_it cloth street water
fresh | frisch | fresh egg fruit milk
sweet | süß | sweet fruit
broken | kaputt | fix furniture
dark | dunkel dunkl | dark
wet | nass | wet
nice | nett | person
curious | neugierig | person cat monkey dog
interesting | interessant | read topic visited
important | wichtig | weighty
difficult | schwierig | hard
dangerous | gefährlich | danger
tall | hoch hoh | tall
"""

ADVERBS = """
today | heute | time front
tomorrow | morgen | plan front
now | jetzt | plan front
soon | bald | plan front
every day | jeden Tag | habit front
in the morning | am Morgen | habit front
in the evening | am Abend | habit front
at night | nachts | night front
on Monday | am Montag | habit front
on Sunday | am Sonntag | habit front
in summer | im Sommer | season front
in winter | im Winter | season front
often | oft | frequency
always | immer | frequency
never | nie | frequency
sometimes | manchmal | frequency front
rarely | selten | frequency
usually | meistens | usual front
already | schon | perfect
quickly | schnell | speed
slowly | langsam | speed
loudly | laut | volume
quietly | leise | volume
carefully | vorsichtig | care
early | früh | hour
late | spät | hour
here | hier | place
there | dort | place
outside | draußen | place
at home | zu Hause | place
perhaps | vielleicht | sentence front
again | wieder | again
"""

PREPOSITIONS = """
in_place | in | in | dat | in
on_place | on | auf | dat | onloc
at_place | at | an | dat | lake river station
in_water | in | in | dat | pool
in_home | in | in | dat | live
on_dat | on | auf | dat | on
sit_dat | on | auf | dat | chair bench bed
at_dat | at | an | dat | at
next_dat | next to | neben | dat | person furniture tree
behind_dat | behind | hinter | dat | land
front_dat | in front of | vor | dat | land
under_dat | under | unter | dat | under -bridge
through | through | durch | acc | cross
around | around | um | acc | table house tree church car
into | into | in | acc | enter
to | to | zu | dat | goal
to_house | to | zu | dat | house doctor teacher neighbor friend grandmother grandfather
out_of | out of | aus | dat | enter
over | over | über | acc | jump
over_all | over | über | acc | house tree river lake garden forest village
onto | onto | auf | acc | on
climb_acc | | auf | acc | climbed
horse_dat | | auf | dat | ridden
cycle_dat | | mit | dat | cycle
wait_for | | auf | acc | person wait
think_of | | an | acc | person pet
dream_of | | von | dat | person dream
about | about | über | acc | topic person
with_person | with | mit | dat | person
without_person | without | ohne | acc | person
for_person | for | für | acc | person
with_toy | with | mit | dat | toy dog cat
with_knife | with | mit | dat | cutter
with_pen | with | mit | dat | pen
throw_into | into | in | acc | pool garden
on_acc | on | auf | acc | on
under_acc | under | unter | acc | table bed bench
next_acc | next to | neben | acc | upright -computer
in_acc | in | in | acc | box bag suitcase
"""

MODALS: tuple[Modal, ...] = (
    Modal("can", "können", "kann", "können", True),
    Modal("must", "müssen", "muss", "müssen", False),
    Modal("want to", "wollen", "will", "wollen", True),
    Modal("should", "sollen", "sollte", "sollten", True),
    Modal("may", "dürfen", "darf", "dürfen", False),
)

PRONOUNS: tuple[Pronoun, ...] = (
    Pronoun("I", "me", 1, "sg", "ich", "mich", "mir", "first"),
    Pronoun("we", "us", 1, "pl", "wir", "uns", "uns", "first"),
    Pronoun("he", "him", 3, "sg", "er", "ihn", "ihm", "he"),
    Pronoun("she", "her", 3, "sg", "sie", "sie", "ihr", "she"),
    Pronoun("they", "them", 3, "pl", "sie", "sie", "ihnen", "they"),
)

IT: dict[Gender, Pronoun] = {
    "m": Pronoun("it", "it", 3, "sg", "er", "ihn", "ihm", "it"),
    "f": Pronoun("it", "it", 3, "sg", "sie", "sie", "ihr", "it"),
    "n": Pronoun("it", "it", 3, "sg", "es", "es", "ihm", "it"),
}
"""*it* takes up a thing, and in German the gender of its noun."""

STATES = frozenset("friendly happy sad tired hungry sick funny nice curious dirty wet".split())
"""English adjectives that can hold today and not tomorrow, and so go with *today* or *often*."""

MOTIVES = frozenset("tired hungry sick happy sad curious".split())
"""English adjectives that fit behind *because*."""

COLORS = frozenset("red blue green yellow white black brown".split())
"""English adjectives that are no reason for anything."""

HARDSHIPS = frozenset("tired hungry sick sad poor old small".split())
"""English adjectives that fit behind *although*."""

CONJUNCTIONS: tuple[tuple[str, str], ...] = (
    ("because", "weil"),
    ("when", "wenn"),
    ("although", "obwohl"),
    ("while", "während"),
    ("before", "bevor"),
)
