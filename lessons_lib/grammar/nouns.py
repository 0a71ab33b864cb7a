"""The nouns: `English[/plural] | German gender plural [weak] | classes`, grouped by classes that a whole group shares.

A plural `-` means that the corpus uses the singular alone. Classes (what the words can do and undergo):
`own` can be somebody's; `thing` can be found, lost, bought; `small` is carried and held; `upright` is put with *stellen*,
`flat` with *legen*;
`in`, `on`, `under`, `jump`, `land`, `goal`, `enter`, `cross` say which preposition of place fits.
"""

PEOPLE = """
man/men | Mann m Männer | male adult
woman/women | Frau f Frauen | female adult
child/children | Kind n Kinder | own young kid
girl | Mädchen n Mädchen | young kid
boy | Junge m Jungen weak | male young kid
friend | Freund m Freunde | male own adult
teacher | Lehrer m Lehrer | male own adult
doctor | Arzt m Ärzte | male own adult goal
neighbor | Nachbar m Nachbarn weak | male own adult goal
brother | Bruder m Brüder | male own kin
sister | Schwester f Schwestern | female own kin
mother | Mutter f - | female own kin adult
father | Vater m - | male own kin adult
son | Sohn m Söhne | male own kin
daughter | Tochter f Töchter | female own kin
grandmother | Großmutter f - | female own kin adult elder
grandfather | Großvater m - | male own kin adult elder
aunt | Tante f Tanten | female own kin adult
uncle | Onkel m Onkel | male own kin adult
guest | Gast m Gäste | male own adult
cook | Koch m Köche | male adult
baker | Bäcker m Bäcker | male adult goal
farmer | Bauer m Bauern weak | male adult goal
student | Student m Studenten weak | male adult
singer | Sänger m Sänger | male adult famous
painter | Maler m Maler | male adult famous
waiter | Kellner m Kellner | male adult
police officer | Polizist m Polizisten weak | male adult
king | König m - | male adult famous
queen | Königin f - | female adult famous
"""

INFANTS = """
baby/babies | Baby n Babys | small_child kid own
"""

ANIMALS = """
dog | Hund m Hunde | own pet biter barker wet
cat | Katze f Katzen | own pet biter climber catcher wet
horse | Pferd n Pferde | own pet ridden
bird | Vogel m Vögel | flier prey
cow | Kuh f Kühe | own
mouse/mice | Maus f Mäuse | biter prey tiny
pig | Schwein n Schweine | own
duck | Ente f Enten | flier prey
bear | Bär m Bären weak | biter hunter climber danger
wolf/wolves | Wolf m Wölfe | biter hunter danger
lion | Löwe m Löwen weak | biter hunter climber danger
monkey | Affe m Affen weak | biter climber
rabbit | Kaninchen n Kaninchen | own pet prey tiny
"""

FOOD = """
apple | Apfel m Äpfel | fruit fodder redfood greenfood
pear | Birne f Birnen | fruit fodder
banana | Banane f Bananen | fruit fodder
tomato/tomatoes | Tomate f Tomaten | redfood vegetable fodder
potato/potatoes | Kartoffel f Kartoffeln | vegetable
carrot | Karotte f Karotten | vegetable fodder
egg | Ei n Eier | cooked
cake | Kuchen m Kuchen | baked sweet warmed
sausage | Wurst f Würste | warmed cooked meat
soup | Suppe f Suppen | warmed cooked hot
salad | Salat m Salate | fresh
bread | Brot n - | mass baked fresh fodder warmed
cheese | Käse m - | mass
meat | Fleisch n - | mass cooked meat fresh
rice | Reis m - | mass cooked warmed
"""

DRINKS = """
water | Wasser n - | lapped hot
milk | Milch f - | lapped fresh hot
coffee | Kaffee m - | hot
tea | Tee m - | hot sweet
juice | Saft m - | sweet fresh
wine | Wein m - | sweet
"""

READING = """
book | Buch n Bücher | thing small flat write heavy long wet funny
letter | Brief m Briefe | thing small flat write long openable weighty
newspaper | Zeitung f Zeitungen | thing small flat wet
story/stories | Geschichte f Geschichten | write told long topic sad funny
poem | Gedicht n Gedichte | write told long learned sad funny hard
card | Karte f Karten | thing small flat write colored
"""

THINGS = """
car | Auto n Autos | drive fix wash soiled land colored fast dream
bus/buses | Bus m Busse | public drive wait depart colored fast nosell nobuy land
train | Zug m Züge | public wait depart fast long nosell nobuy
boat | Boot n Boote | fix colored fast build dream
bike | Fahrrad n Fahrräder | cycle fix wash soiled colored fast
table | Tisch m Tische | on under at land heavy build soiled furniture colored
chair | Stuhl m Stühle | on jump land furniture soiled build colored
bed | Bett n Betten | on under land furniture build warm
bench/benches | Bank f Bänke | on onloc under jump land furniture build long
door | Tür f Türen | openable painted soiled colored heavy nobuy
window | Fenster n Fenster | at openable soiled clean_it nobuy
box/boxes | Kiste f Kisten | openable small upright heavy contain colored jump
bag | Tasche f Taschen | openable small upright heavy contain colored
suitcase | Koffer m Koffer | openable small upright heavy contain colored
bottle | Flasche f Flaschen | openable small upright contain soiled colored
coat | Mantel m Mäntel | cloth colored long warm wet
hat | Hut m Hüte | cloth colored
dress/dresses | Kleid n Kleider | cloth colored long wet
shirt | Hemd n Hemden | cloth colored wet
jacket | Jacke f Jacken | cloth colored warm wet
shoe | Schuh m Schuhe | cloth colored clean_it wet
ball | Ball m Bälle | small throw colored toy
doll | Puppe f Puppen | small toy
cup | Tasse f Tassen | small upright soiled colored contain
glass/glasses | Glas n Gläser | small upright soiled contain
knife/knives | Messer n Messer | small flat cutter soiled long danger
key | Schlüssel m Schlüssel | small flat throw nosell
lamp | Lampe f Lampen | small upright device fix colored
clock | Uhr f Uhren | fix
picture | Bild n Bilder | small drawn topic looked famous
flower | Blume f Blumen | small plant bloom drawn
tree | Baum m Bäume | plant under land tall drawn climbed nosell nobuy
phone | Telefon n Telefone | small flat device fix colored
computer | Computer m Computer | upright device fix heavy fast
umbrella | Regenschirm m Regenschirme | small flat openable colored wet
pencil | Bleistift m Bleistifte | small flat pen colored long
guitar | Gitarre f Gitarren | small instrument
gift | Geschenk n Geschenke | small openable heavy
stone | Stein m Steine | small throw heavy nobuy jump wet
photo | Foto n Fotos | small flat looked topic
"""

PLACES = """
house | Haus n Häuser | tall empty dark in enter land build goal painted dream colored owned live
school | Schule f - | in enter land goal
church/churches | Kirche f Kirchen | famous dark in enter land goal
hotel | Hotel n - | in enter land goal live
restaurant | Restaurant n - | in land goal
shop | Laden m Läden | in enter land goal owned
museum | Museum n - | visited famous in land goal
kitchen | Küche f - | dark in enter tidy clean_it owned room
room | Zimmer n Zimmer | dark empty in enter tidy clean_it owned room live
garden | Garten m - | in enter owned cross outside
park | Park m - | in goal cross outside
forest | Wald m - | dark danger in enter cross outside nature
city/cities | Stadt f Städte | in cross live visited famous
village | Dorf n - | in cross goal live visited
station | Bahnhof m - | in goal land
bridge | Brücke f Brücken | onloc under goal famous long build outside
street | Straße f - | onloc cross dark long outside
lake | See m - | goal at nature pool
river | Fluss m - | goal at nature pool long
mountain | Berg m Berge | onloc nature tall climbed
"""

TOPICS = """
question | Frage f Fragen | topic hard weighty
answer | Antwort f Antworten | hard weighty
song | Lied n Lieder | sung topic long learned sad funny
film | Film m Filme | topic long sad funny
music | Musik f - | mass heard topic
"""

GROUPS: tuple[tuple[str, str], ...] = (
    ("person human living", PEOPLE),
    ("human living", INFANTS),
    ("animal living", ANIMALS),
    ("food thing small", FOOD),
    ("mass drink", DRINKS),
    ("read own", READING),
    ("own thing", THINGS),
    ("place", PLACES),
    ("", TOPICS),
)
