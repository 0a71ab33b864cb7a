"""The verbs, with both principal parts, who does it, to what, and which additions they bear.

`English[ particle][=participle] | German | subject | complements | flags`. The German column holds the infinitive
(`auf/stehen`: separable), then where they are not regular the stem of the third person singular (`lies-`) and the
participle, then `s` where the perfect takes *sein*. A complement is `acc CLASSES`, `dat CLASSES` or `pp PREPOSITION …`;
complements are separated by `;`, and `-class` excludes.

Flags: `q` quickly, `l` loudly, `c` carefully, `e` early, `y` in summer, `n` at night fit; `loc` takes a place, `with` company,
`for` somebody it is done for, `knife`, `pen` a tool; `st` is a state: no time, manner or perfect; `once` is no habit; `unwilled` is
not done on purpose; `scene` is what something else happens at or before; `that`, `whether` take a clause.
"""

INTRANSITIVE = """
sleep=slept | schlafen schläf- geschlafen | living | | loc y n scene
laugh | lachen | person small_child | | l loc scene
cry | weinen | person small_child | | l loc n scene
smile | lächeln | person small_child | | scene
dance | tanzen | person | | loc with y scene
sing=sung | singen gesungen | person | | l loc with for y scene
swim=swum | schwimmen geschwommen s | person barker | pp in_water | q with y scene
work | arbeiten | adult | | q c loc with y n scene
play | spielen | young pet small_child | | l loc with y scene
play | spielen | young | pp with_toy | l y scene
bark | bellen gebellt | barker | | l loc n
fly=flown | fliegen geflogen s | flier | pp over_all | q y n scene
run=run | rennen gerannt s | person animal | pp through around into | q y n scene
go=gone | gehen gegangen s | person | pp to into | e with y scene
walk | gehen gegangen s | person | pp through around | q c with y scene
come=come | kommen gekommen s | living | pp out_of to_house | q scene
get up=got up | auf/stehen aufgestanden s | person | | e scene
wake up=woken up | auf/wachen s | living | | e scene unwilled
fall asleep=fallen asleep | ein/schlafen schläf- eingeschlafen s | living | | q e scene unwilled
arrive | an/kommen angekommen s | person depart | | e scene
come back=come back | zurück/kommen zurückgekommen s | living | | e n scene
sit=sat | sitzen gesessen | human pet bird | pp sit_dat at_dat next_dat | scene
stand=stood | stehen gestanden | upright | pp on_dat |
stand=stood | stehen gestanden | person animal | pp behind_dat front_dat at_dat next_dat |
lie=lain | liegen gelegen | pet flat cloth small_child | pp on_dat under_dat |
live | wohnen | person | pp in_home | st
wait for | warten | person | pp wait_for | loc scene
think of=thought of | denken gedacht | person | pp think_of |
dream of | träumen | person | pp dream_of | n scene
talk=talked | sprechen sprich- gesprochen | person | pp with_person about | l loc scene
jump | springen gesprungen s | young animal | pp over onto | q scene
climb | klettern s | climber young | pp climb_acc | q c y scene
ride=ridden | reiten geritten s | person | pp horse_dat | q y scene
ride=ridden | fahren fähr- gefahren s | person | pp cycle_dat | q c y scene
"""

ACCUSATIVE = """
see=seen | sehen sieh- gesehen | living | acc living thing place | loc scene
hear=heard | hören | living | acc living heard depart sung | loc n scene
bite=bitten | beißen gebissen | biter | acc living -tiny -small_child -hunter |
eat=eaten | essen iss- gegessen | person | acc food | q loc with scene
eat=eaten | fressen friss- gefressen | animal -hunter | acc fodder | q scene
drink=drunk | trinken getrunken | person small_child | acc drink -wine -coffee | q loc with scene
drink=drunk | trinken getrunken | adult | acc wine coffee | q loc with scene
drink=drunk | trinken getrunken | animal | acc lapped | q scene
read=read | lesen lies- gelesen | person | acc read | l q loc n scene
write=written | schreiben geschrieben | person | acc write | q loc pen n scene
buy=bought | kaufen | person | acc thing drink cake -nobuy | for
sell=sold | verkaufen | adult | acc thing -nobuy -nosell |
open | öffnen | person | acc openable | q c
close | schließen geschlossen | person | acc openable -gift | q c
drive=driven | fahren fähr- gefahren | adult | acc drive | q c scene
carry | tragen träg- getragen | person | acc small small_child -food | c
wear=worn | tragen träg- getragen | person | acc cloth | loc y
look for | suchen | person | acc living small cloth -food | loc
find=found | finden gefunden | person | acc small cloth pet -food | loc once
love | lieben | person | acc person small_child pet music sweet instrument nature | st
know=known | kennen gekannt | person | acc person visited told sung | st
visit | besuchen | person | acc person visited | y scene
greet | begrüßen | person | acc person | l
ask | fragen | person | acc person | l
push | schieben geschoben | person | acc furniture cycle car box |
pull | ziehen gezogen | person horse | acc table bed chair box suitcase boat |
wash | waschen wäsch- gewaschen | person | acc wash cloth pet fruit small_child -cat | q c
paint | streichen gestrichen | adult | acc painted furniture |
draw=drawn | zeichnen | person | acc drawn living | loc pen
build=built | bauen | adult | acc build | once
repair | reparieren | adult | acc fix | q
bake | backen gebacken | person -kid | acc baked | for scene
cook | kochen | person -kid | acc cooked | for scene
cut=cut | schneiden geschnitten | person | acc baked vegetable cheese meat | knife c
throw=thrown | werfen wirf- geworfen | person | acc throw ; pp throw_into | once
catch=caught | fangen fäng- gefangen | person | acc ball | q
catch=caught | fangen fäng- gefangen | catcher hunter | acc prey | q
need | brauchen | person | acc small cloth drive cycle -food | st
have=had | haben ha- gehabt | person | acc own pet -kin -public | st
forget=forgotten | vergessen vergiss- vergessen | person | acc small weighty -food | once unwilled
lose=lost | verlieren verloren | person | acc small cloth -food -nobuy | once unwilled
take=taken | nehmen nimm- genommen | person | acc small cloth |
hold=held | halten hält- gehalten | person | acc small small_child -food | c once
understand=understood | verstehen verstanden | person | acc person hard read | st
learn | lernen | person | acc learned | q
watch | sehen sieh- gesehen | human | acc film | loc
watch | beobachten | living | acc living -tiny | loc
look at | an/sehen sieh- angesehen | person | acc looked |
clean | putzen | person | acc clean_it | q scene
kiss | küssen | adult kin | acc female small_child -queen |
feed=fed | füttern | person | acc animal small_child |
hug=hugged | umarmen umarmt | person | acc person |
call | an/rufen angerufen | person | acc person | e scene
pick up | ab/holen | adult | acc person letter | e
put on=put on | an/ziehen angezogen | person | acc cloth -hat | q
take off=taken off | aus/ziehen ausgezogen | person | acc cloth -hat | q
turn on | ein/schalten | person | acc device | c
turn off | aus/schalten | person | acc device |
tidy up | auf/räumen | person | acc tidy | q scene
invite | ein/laden läd- eingeladen | adult | acc person |
bring back=brought back | zurück/bringen zurückgebracht | person | acc small read cloth -food |
wake=woken | wecken | living | acc person pet small_child | e scene
water | gießen gegossen | person | acc plant | c y
pay for=paid for | bezahlen | adult | acc food drink cloth gift |
"""

DATIVE = """
help | helfen hilf- geholfen | person | dat person pet | scene
thank | danken | person | dat person |
follow | folgen s | living | dat living | q
listen to | zu/hören | person | dat person | c scene
belong to | gehören gehört | thing -nobuy -food | dat person | st
congratulate | gratulieren | person | dat person |
answer | antworten | person | dat person | q l
give=given | geben gib- gegeben | person | dat person ; acc small drink cloth -wine |
show=shown | zeigen | person | dat person ; acc thing pet -nosell -furniture -food |
send=sent | schicken | person | dat person ; acc write photo gift |
bring=brought | bringen gebracht | person | dat person ; acc small drink cloth -wine |
tell=told | erzählen | person | dat person ; acc story |
read=read | vor/lesen lies- vorgelesen | person | dat person small_child ; acc read -card |
write=written | schreiben geschrieben | person | dat person ; acc letter card poem |
"""

PLACING = """
put=put | legen | person | acc flat cloth ; pp on_acc under_acc in_acc |
put=put | stellen | person | acc upright ; pp on_acc under_acc next_acc |
"""

EMBEDDING = """
know=known | wissen weiß- gewusst | person | | that
think=thought | glauben | person | | that
say=said | sagen | person | | that
hope | hoffen | person | | that
ask | fragen | person | | whether
"""

TABLES: tuple[str, ...] = (INTRANSITIVE, ACCUSATIVE, DATIVE, PLACING, EMBEDDING)
