"""Short messages: what is taken for assent, a stop word, an amount, a greeting, and what is not."""

from __future__ import annotations

import pytest

from samobot.telegram.handlers.intents import (
    Assent,
    BudgetAmount,
    Intent,
    is_greeting,
    is_question,
    is_unclear,
    near_intent,
    read_amount,
    read_assent,
    read_intent,
    reports_done,
)
from tests.support.cases import for_each

CLEAR = """LGTM 👍|ack|pode ir|ok|OK.|okay!|approve|Approved|I approve|si, adelante|passt|да|👍|👍🏽|✅|👌|Yes!|yes please|yep|sure
|go ahead|you should go ahead|um, yes, go ahead|hell yes|nur zu|Looks good to me, thanks!|Sounds good, let's go|ship it 🚀|Perfect.|+1|no problem, go ahead|no changes needed
|this is fine|Great plan! Approved.|Approved, thank you|agreed|do it|proceed|go for it|works for me|好的|没问题|はい|了解です
|いいね！お願いします|네|좋아요|oui, vas-y|d'accord|c'est bon|va bene|sim, pode ser|tak|evet|ja, mach das|Alles klar, los geht's
|sieht gut aus|genehmigt|vale|de acuerdo|Хорошо, давай!|согласен|поехали|так, добре|godkänd|akkoord|rendben|εντάξει|בסדר|نعم
|ठीक है|iya setuju|đồng ý|OK 👍 thanks|"""
MIXED = """yes, but use argparse|ok but shorter|LGTM, except phase 2|👍 but skip the docs|looks good? |ok?|да, но без тестов
|Good, now split phase 2|i like it, but rename it|use argparse, otherwise lgtm|ja, aber ohne Doku|sí, pero más corto|approve if tests pass
|I can't approve this yet"""
NONE = """shorter, please|use argparse instead|no, use argparse|split it into phases|add more tests
|Please use ok as the exit status|why a database?|too long|..."""
REFUSAL = "no|nope|No!|nein|нет|👎|❌|reject"


def _each(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|") if part.strip()]


MORE_CLEAR = """LGTM!!! 🎉|lgtm :)|LGTM :shipit:|looks good 👍 go|make it happen|I've no objections|no objections here|you have the green light|yes you can approve it
|looks good to me let's ship it|approve it, thank you very much|nothing, go|change nothing|Okay cool|ok cool|okay great thanks|Go!|sounds like a plan|
Sounds like a plan!|yes, do it|yes go|yes, proceed|yess|yesss|okk|okayy|okie|okie dokie|roger|roger that|10-4|alright|
all right|alrighty|aight|righto|right on|fire away|have at it|you may proceed|please proceed|please continue|
approved by me|I approve this|I approve the plan|the plan is approved|plan approved|Plan is good|plan looks good|
the plan looks good|plan looks great to me|that works|that works for me|works|it's good|It's fine|that's good|
that's great|that's perfect|that'll do|will do|fine|fine, go|green light|you have my approval|you've got my approval|
thumbs up|no notes, ship|LG|lg2m|l g t m|SGTM 👌|👍👍👍|👍 👍|okay 🙏|🤘|⭐️⭐️⭐️|✔️|yes ✅|go 🚀|let's gooo|lfg|let us go|
Yes, let's go|yes let's do this|let's do this|let's start|let's roll|start it|start now|start please|
begin implementation|start implementing|implement it|go implement|please implement|go build it|build|execute|run|
code it|do this|do that|just do it|happy with it|happy with this|happy with that|I'm happy|I'm happy with it|
I'm ok with it|I'm fine with this|I am fine with that|ok for me|ok by me|ok with me|good for me|good by me|good enough|
very good|pretty good|really good|so good|good stuff|nice one|well done, go|gj|gtg|yes pls|yup yup|yep yep|yes yes|
ok ok|sure sure|sure, why not|why not|indeed|exactly|absolutely!|100%|100|for sure|affirmative|positive|granted|
permission granted|accepted, thanks|i accept it|accept it|accept the plan|approve plan|approve the plan|approve this|
approve this plan|approve please|please approve|pls approve|I confirm|confirm it|yes I approve|yes, I agree|
I agree with it|I agree with the plan|agree with the plan|endorsed|seems good|seems fine|seems ok|seems right|
seems reasonable|reasonable|makes sense|makes sense to me|that makes sense|all clear|understood|got it|
nothing to change, go|no changes from me|no further changes|no more changes|no comments from me|no concerns|no remarks|
no issues|no complaints|no objections from me|no worries, go|not bad|not bad at all|can't complain|
don't change anything|don't change a thing|change nothing|leave it as is|keep it|keep it as is|keep it like that|
Ja bitte|jaja|na klar|aber klar|klar doch|sicher|natürlich|selbstverständlich|gefällt mir|sieht gut aus für mich|
sieht ok aus|sieht sehr gut aus|super, mach weiter|mach weiter|mach das so|mach mal|mach ruhig|kannst du machen|
kannst loslegen|du kannst loslegen|leg los!|dann los|auf geht's|ab geht's|abgesegnet|bestätigt|ich bin einverstanden|
bin einverstanden|bin dabei|keine Änderungen|keine Einwände von mir|so machen wir's|wird gemacht|passt für mich|
passt perfekt|passt schon|geht klar|geht in Ordnung|okay danke|freigabe|Freigabe erteilt|Daumen hoch|top|Top!|spitze|
wunderbar|hervorragend|ausgezeichnet|perfekt|Perfekt!|toll|klasse|sí, hazlo|sí por favor|claro|por supuesto|me gusta|
está perfecto|todo bien|sin cambios|me parece perfecto|me parece|okey dale|venga|vamos|adelante con eso|buenísimo|
excelente|estoy de acuerdo|lo apruebo|aprobado, gracias|tiene buena pinta|se ve bien|apruebo el plan|sigue adelante|
dale nomás|ok adelante|confirmo|confirmado|oui oui|oui merci|ok pour moi|c'est ok|c'est parfait|c'est validé|je valide|
je confirme|je suis d'accord|bonne idée|très bien, vas-y|allons-y|go pour moi|ça me convient|rien à changer|
rien à redire|super|génial|excellent|impeccable|top|banco|feu vert|continue comme ça|tout est bon|bien|sì|sì grazie|
ok va bene|approvato!|mi piace|mi sembra buono|per me va bene|sono d'accordo|andiamo|vai così|procedi pure|confermo|
nessuna modifica|benissimo|sim, por favor|aprovado!|pode continuar|pode prosseguir|concordo|de acordo|tudo certo|
tudo bem|tá ótimo|está ótimo|gostei|manda bala|segue|confirmo|sem alterações|fechado|valeu, pode ir|да, пожалуйста|
да конечно|да, всё ок|всё ок|все ок|всё отлично|ок, давай|ладно|лады|конечно|именно|согласен с планом|план одобряю|
план норм|план хороший|хороший план|мне нравится|нравится|можно|можно начинать|можешь начинать|начинай|начинайте|
приступай|приступайте|запускай|поехали!|погнали|го|продолжай|без изменений|замечаний нет|нет замечаний|нет возражений|
возражений нет|не возражаю|утверждено|утверждён|подтверждаю|апрув|апрувлю|лгтм|класс|круто|идеально|прекрасно|
замечательно|отлично, спасибо|хорошо, делай|пойдёт|сойдёт|+|++|ага, давай|йес|всё супер|план супер|так, схвалюю|
погоджуюсь|чудово|давай|вперед|поїхали|підходить|все добре|звісно|tak, proszę|zgadzam się|akceptuję|zaakceptowane|
wygląda dobrze|w porządku|dobra|okej|lecimy|działaj|śmiało|pewnie|jasne, działaj|dobry plan|idealnie|ano, souhlasím|
v pořádku|jasně|do toho|schváleno|vypadá dobře|áno|súhlasím|v poriadku|ja hoor|ziet er goed uit|prima, ga door|
akkoord, ga door|goedkeuren|helemaal goed|lijkt me goed|klinkt goed|top|uitstekend|doe het|zeker|ja tack|ser bra ut!|
låter bra|godkänner|kör hårt|okej|absolut|perfekt|det ser bra ut|helt fint|se bra ut|ja takk|høres bra ut|det er fint|
lyder godt|kanon|kyllä kiitos|näyttää hyvältä|anna mennä|sopii|ok, jatka|evet lütfen|tamamdır|uygundur|uygun|devam et|
devam|başla|kabul|kabul ediyorum|mükemmel|süper|olur, devam et|iyi görünüyor|igen, mehet|oké|jó|jó lesz|rendben van|
tökéletes|elfogadom|da, te rog|sunt de acord|arată bine|aprobat|perfect|e bine|ναι, προχώρα|προχώρα|τέλεια|μια χαρά|
σύμφωνοι|εγκρίνω|כן, תמשיך|קדימה|מעולה|סבבה|אישור|מאושר|نعم من فضلك|أوافق|موافق عليه|تفضل|ابدأ|ممتاز|حسناً|اوكي|
ok تمام|हाँ ठीक है|जी हाँ|जी|सही है|मंज़ूर|मंजूर है|बढ़िया|चलो|haan theek hai|ji haan|bilkul|sahi hai|accha|ya, setuju|
oke lanjut|lanjut|lanjutkan|silakan|siap|boleh|mantap|bagus|teruskan|setuju dengan itu|được rồi|ok luôn|tốt|làm đi|
tiếp tục đi|chấp nhận|duyệt|好的，开始吧|可以，继续|没问题，开始|开始吧|继续|行，就这样|就这样|很好|挺好的|非常好|不错|看起来不错|看起来很好|同意这个计划|赞成|确认|没意见|没有问题|ok的|
好啊|好滴|嗯|嗯嗯|通過|同意|可以开始|没有异议|批准这个计划|好的谢谢|はい、お願いします|OKです|オッケー|承認します|問題ありません|問題ないです|問題なし|進めてください|それでお願いします|それで大丈夫です|大丈夫です|
良いと思います|いいと思います|完璧です|了解しました|わかりました|よろしくお願いします|よろしく|続けてください|うん|賛成|同意します|네 좋아요|네 진행해주세요|진행해 주세요|진행하세요|승인해요|알겠습니다|괜찮아요|
문제없어요|동의합니다|좋습니다|네네|ㅇㅋ|ㅇㅇ|오케|확인|ใช่ครับ|ได้เลย|ตกลงครับ|โอเคครับ|ดีมาก|เห็นด้วย|อนุมัติ|"""
NOT_CLEAR = """yes but add tests|Yes, and also add tests|ok, but first fix the typo|great, just rename X|approved, except for step 3|
approved with changes|I'd approve if you drop docs|LGTM with nits|lgtm modulo naming|👍 but no docker|ok? not sure|
sure, though I'd prefer click|yes and no|sí, pero sin tests|oui mais plus court|ja maar korter|tak, ale krócej|
да, только без докеров|да, но|да но сначала почини|хорошо, но добавь тесты|好的，但是不要测试|可以，不过要短一点|はい、でもテストを追加して|
네, 하지만 더 짧게|sim, mas sem testes|va bene ma più corto|evet ama daha kısa|ok aber kürzer|looks good but...|
looks good, one question: why sqlite?|is it ok?|should I approve?|Mostly good. Phase 3 is too big|
all good except phase 2|fine, whatever, but use poetry|Approve? Not yet|not yet approved|ok so why sqlite|
yes if tests pass|go ahead with phase 1 only|proceed with option B|ok, let me think|yes wait|yes, stop|ok no|👍👎|ok 👎|
do it differently|go back to the drawing board|start over|make it shorter|do it with argparse|let's discuss|
right, this won't work|go slower|continue with B|good but not great|perfect is the enemy of good|
right idea, wrong library|like it less than before|no|no ok|no, yes|да нет|не ок|ok nein|nein, passt nicht|passt nicht|
gefällt mir nicht|sieht nicht gut aus|no me gusta|no está bien|ça ne va pas|c'est pas bon|pas d'accord|non va bene|
não pode|não está bom|nie zgadzam się|не согласен|не одобряю|не годится|мне не нравится|плохо|不同意|不可以|不行|不好|没有同意|よくない|
だめ|ダメです|承認しません|問題あります|안돼|안 좋아요|승인 안 함|not good|not great|not fine|not approved|disapproved|I do not approve|
I don't agree|I disagree|disagree|don't do it|don't proceed|do not proceed|please don't|never|this is not ok|
this isn't fine|doesn't look good|it does not work for me|nothing good here|no good|no way|hell no|nope nope|
absolutely not|of course not|definitely not|sure not|certainly not|I can't accept|won't approve|too good to be true|
wrong|bad plan|great, another database|looks like you forgot tests|looks good on paper|fine-tune it|
okay let's use redis|right, use redis|sure, drop docs|done|wait|hold on|one sec|hmm|hm ok|meh|maybe|perhaps|later|
i guess so|idk|¿ok?|好吗？|ok ?|approve?|yes???|да?|rather not|ok I'm out, reject|reject it|send it back|redo|again|next|
approve nothing|do nothing|accept nothing, please|yeah right|oh great|great, just great|na toll|ага, конечно|"""
ASKED = """I have no objections to this plan whatsoever|Ich habe keine Einwände mehr|aucune objection de ma part, merci
|нет никаких возражений по плану|sin objeciones por mi parte|there are no concerns about it on my side|not yet|not so fast
|so far so good|ok for now|do it right|wait, don't|noch nicht|todavía no|pas encore|non ancora|ainda não|ещё нет|пока нет|jeszcze nie|henüz değil|ليس بعد
|अभी नहीं|chưa|还没有|まだ|아직 아니야"""
_STOP = """you need to stop|let's stop here|stop right there|arrête tout de suite|hör sofort auf|stop!!!1|STOP1|stop!!1!|stop!!!eleven|s t o p|S.T.O.P.|stop 🙏|❌ stop|omg stop|stop wtf|no no stop|stop claude|стоооп|halte|ctrl-c|
stop pls|halt!!|knock it off|stop what you're doing|don't continue|interrupt|Stopp!!!|zatrzymaj się|stój|стій|bas karo|dừng ngay|עצור עכשיו|정지해|Stop!|STOP STOP STOP|stop!!!|stoooop|Stop it now|stop it please|stop please!|pls stop|can you stop|can you stop please|
could you please stop|stop running|stop the agent now|stop the worker|stop the job|stop the task|stop this session|
stop that session|stop the session please|just stop|ok, stop|no stop|no, stop!|wait, stop|wait stop|hey stop|
stop right now|stop immediately|emergency stop|kill the session|kill the run|kill this|terminate|terminate it|abort!|
abort the run|abort mission|cancel the run|cancel that|cancel please|cancel run|end|end session|end the session|
shut it down|shut down|shutdown|halt!|cease|quit!|exit|stop all|🛑🛑|✋✋|⏹ stop|stopp!|Stopp bitte|bitte stoppen|hör auf!|
hoer auf|aufhoeren|Schluss|abbruch|brich ab|beenden|detener|detenlo|páralo|paralo|para por favor|párate|para todo|
alto!|cancela|cancelar|stop por favor|arrête tout|arrête ça|arrête-toi|stoppe|stop s'il te plaît|annule|ferma tutto|
fermalo|smettila|parar|pára|pode parar|cancele|стой|стоп!|стоп стоп|остановить|прекрати|прекратить|отмена|отмени|
stop proszę|przestań|przerwij|anuluj|zastav|přestaň|stop alsjeblieft|ophouden|hou op|stoppen!|avbryt|stanna|
stop venligst|lopeta|yeter|dur!|iptal|állj|állj le|opreste|oprește|σταμάτα|σταματα|στοπ|עצור|תעצור|די|توقف|قف|रुको|
बंद करो|ruko|berhenti|hentikan|stop dong|dừng|dừng lại|停止！|停下|停下来|别做了|快停|取消|終了|中止|中止して|ストップして|止まって|멈춰!|그만|정지|취소|หยุด|
หยุดก่อน|"""
_PAUSE = """pause!!1|pause after this|stop after this iteration|mettre en pause|pauze|잠시 멈춰|pause!|pls pause|pause for now|pause for a bit|pause for a moment|pause the run|pause this session|can you pause|
hold up|hold please|hold on a sec|hold on please|hang on|hang on a sec|wait!|wait please|wait up|wait for me|just wait|
one sec|one second|a moment please|give me a minute|give me a sec|gimme a sec|brb|take five|mach Pause|mach mal Pause|
warte mal|warte kurz|Moment|Moment mal|kurz warten|einen Moment|pausa por favor|espera un momento|espera un poco|
pausar|une minute|attends un peu|un instant|mets en pause|aspetta un attimo|metti in pausa|um momento|espera aí|пауза!|
на паузу|поставь на паузу|подожди немного|минутку|секунду|poczekaj|chwila|wacht|wacht even|vent|odota|bekle biraz|várj|
tunggu|tunggu sebentar|chờ|đợi đã|等等|等一等|先等等|稍等|暂停一下|ちょっと待って|待って|一時停止して|잠깐만|기다려|รอก่อน|⏸⏸|"""
_STATUS = """how is it going so far?|wie sieht's aus?|status|STATUS??|status please|what's the status|what's the status?|what is the status|whats the status|current status|
status report|status now|show status|give me a status|give me an update|update please|any progress|any progress?|
progress update|how's progress|how is progress|how's it coming|how is it coming along|how are things|how are we doing|
how are you doing|how's it look|how long|how long left|how much longer|how long will it take|are you working|
are you still working|still working?|still there?|u there?|you there?|you alive?|are you running|is it still running|
is it running?|is it stuck|stuck?|are you stuck?|what's happening|what's happening?|whats happening|what is happening|
what's new|what's left|anything new|what are you working on|what are you up to|what now?|finished?|ready?|
are you finished|Wie steht's?|wie ist der Stand|wie ist der Stand?|Stand?|Status bitte|was macht er|was machst du|
was machst du gerade|läuft's?|läuft es noch|fertig?|bist du fertig|schon fertig|gibt's was neues|cómo vas|como vas|
qué tal|qué haces|novedades|¿cómo va?|¿estado?|cuánto falta|statut|où en es-tu|où ça en est|quoi de neuf|état|stato|
come procede|novità|novidades|como está|como está indo|andamento|как успехи|как дела?|как идёт|как идет|что делаешь|
что происходит|ну как|ну что|готово?|прогресс|стан|jak idzie|co tam|jak postęp|stav|hoe gaat het|hoe ver|hur går det|
hvordan går det|miten menee|durum|durum ne|nasıl gidiyor|hogy állsz|cum merge|状态？|怎么样了|怎么样|进展如何|到哪了|好了吗|どうですか|進捗は|状況は|
어때|어떻게 돼가|진행 상황|สถานะ|ถึงไหนแล้ว|"""
_RESUME = """resume!|resume please|please resume|please continue|continue!|continue now|go on please|you can continue|
you may continue|continue working|continue the work|continue the session|keep it up|keep working|carry on please|
unpause it|start again|restart|restart it|go|go ahead|run|run it|play|weitermachen bitte|bitte weiter|weiter geht's|
weiter!|los|continúa por favor|sigue adelante|seguir|continuar|continue s'il te plaît|vas-y continue|continua pure|
vai avanti|prosegui|retoma|pode continuar|продолжай!|давай дальше|продолжить|возобнови|kontynuuj!|pokračuj|ga verder|
ga door|doorgaan|fortsæt|jatka|devam!|folytasd|continuă|συνέχισε|המשך|استمر|जारी रखो|lanjut|lanjutkan|tiếp tục|继续吧|请继续|
続行|再開|再開して|계속해|계속 진행|ทำต่อ|▶️▶️|⏯|"""
_RETRY = """retry!|retry now|retry it please|try again please|please try again|try it once more|give it another try|
give it another shot|another try|another attempt|redo|redo it|rerun|re-run|rerun it|run it again|run again|do it again|
repeat|repeat it|nochmal bitte|bitte nochmal|nochmal versuchen|versuch's nochmal|versuche es erneut|erneut versuchen|
wiederholen|inténtalo otra vez|prueba otra vez|prueba de nuevo|reintenta|réessaye|essaie encore|recommence|
riprova ancora|tenta de novo|tentar novamente|повторить|попробуй ещё раз|попробуй снова|давай ещё раз|заново|
spróbuj ponownie|zkus to znovu|probeer opnieuw|opnieuw|försök en gång till|prøv igen|yritä uudelleen|tekrar dene!|
próbáld újra|再试|重来|再来一次|もう一回|やり直して|リトライ|다시 해줘|재시도|ลองใหม่|🔁🔁|♻️|"""


@for_each(
    ("text", "assent"),
    [
        (text, assent)
        for texts, assent in (
            (CLEAR, Assent.CLEAR),
            (MIXED, Assent.MIXED),
            (NONE, Assent.NONE),
            (REFUSAL, Assent.REFUSAL),
        )
        for text in _each(texts)
    ],
)
def test_assent_is_read_in_any_usual_language(text: str, assent: Assent) -> None:
    assert read_assent(text) is assent


@for_each("text", ['"Approve the plan"', "“LGTM”", "> approve", "«да»", "`approve`"])
def test_assent_that_is_a_quotation_is_asked_about(text: str) -> None:
    assert read_assent(text) is Assent.MIXED


@for_each("text", ["> The plan\n> has 3 phases\nyes", ">>> plan\nlgtm"])
def test_assent_below_a_quotation_is_asked_about(text: str) -> None:
    assert read_assent(text) is Assent.MIXED
    assert read_assent(text.replace("yes", "no").replace("lgtm", "use go")) is not Assent.MIXED


@for_each(
    "text",
    _each(
        "no way|hell no|of course not|no thanks|absolutely not!|no no no|never|not really|don't approve this|not ok"
        "|nicht gut|не годится|don't ship it|do not go ahead|I do not agree|pas d'accord|не согласен|das ist nicht gut"
        "|bad|this is wrong|плохо|schlecht 👎"
    ),
)
def test_a_stressed_no_is_a_refusal_without_feedback(text: str) -> None:
    assert read_assent(text) is Assent.REFUSAL


@for_each(
    ("text", "asks"),
    [
        *((text, True) for text in ("why sqlite?", "how long will it take? 🤔", "Nice. What does it cost?!", "为什么？", "لماذا؟")),
        *((text, False) for text in ("why? use go", "use go", "what? no. drop it.", "")),
    ],
)  # fmt: skip
def test_a_text_that_ends_with_a_question_is_one(text: str, asks: bool) -> None:
    assert is_question(text) is asks


@for_each(
    "text",
    ["is this ok", "are we good", "should it be fine", "ist das ok", "fine i guess", "I suppose it's ok"],
)
def test_assent_that_is_asked_or_doubted_without_a_question_mark_is_asked_about(text: str) -> None:
    assent = read_assent(text)
    assert assent is Assent.MIXED or (assent is Assent.NONE and is_unclear(text))


@for_each("text", ["1", "2.", "#3", "(12)"])
def test_a_number_alone_is_no_change_of_a_plan(text: str) -> None:
    assert is_unclear(text)


@for_each("text", _each(ASKED))
def test_assent_in_other_terms_and_a_delay_are_asked_about(text: str) -> None:
    assert read_assent(text) is Assent.MIXED


@for_each(
    ("text", "intent"),
    [
        *((text, Intent.STOP) for text in ("stop", "STOP!!", "Stop.", "stop it", "please stop", "ok stop", "⏹️", "🛑", "halt", "abort", "cancel", "стоп", "停止", "やめて", "basta", "stop the session", "enough!")),
        *((text, Intent.PAUSE) for text in ("pause", "Pause!", "hold on", "wait", "⏸️", "пауза", "pausa", "pause please")),
        *((text, Intent.STATUS) for text in ("status", "status?", "How is it going?", "how's it going", "any update?", "progress?", "what are you doing?", "wie weit?", "wie läuft's?", "are you done?")),
        *((text, Intent.RESUME) for text in ("resume", "continue", "keep going", "▶️", "weiter", "продолжай")),
        *((text, Intent.RETRY) for text in ("retry", "try again", "Again!", "nochmal", "🔁")),
        *((text, None) for text in ("stop using tabs", "wait for the API", "pause the animation on hover", "the status page is broken", "?", "", "continue with the parser", "hold the lock shorter")),
    ],
)  # fmt: skip
def test_a_short_message_to_a_session_is_read_as_what_it_asks_for(text: str, intent: Intent | None) -> None:
    assert read_intent(text) is intent


@for_each(
    ("text", "amount"),
    [
        ("10", BudgetAmount(10)), ("$10", BudgetAmount(10)), ("10$", BudgetAmount(10)), ("10 dollars", BudgetAmount(10)), ("2,50", BudgetAmount(2.5)),
        ("raise it to $5", BudgetAmount(5)), ("Raise the budget to 20!", BudgetAmount(20)), ("up to 20", BudgetAmount(20)), ("ok, 10", BudgetAmount(10)),
        ("make it 7.50 please", BudgetAmount(7.5)), ("yes 20", BudgetAmount(20)), ("let's make it 15", BudgetAmount(15)), ("bis 20", BudgetAmount(20)),
        ("$5 should be fine", BudgetAmount(5)), ("10.", BudgetAmount(10)), ("5 more", BudgetAmount(5, more=True)), ("+5", BudgetAmount(5, more=True)),
        ("add $5", BudgetAmount(5, more=True)), ("another 5", BudgetAmount(5, more=True)), ("noch 5", BudgetAmount(5, more=True)),
        ("10 tests fail", None), ("use port 8080", None), ("phase 2", None), ("0", None), ("ten", None), ("5 or 10", None), ("", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_out_of_a_short_sentence(text: str, amount: BudgetAmount | None) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "greets"),
    [
        *((text, True) for text in ("hello", "Hi!", "hey there", "help?", "what can you do?", "Hola", "👋", "good morning", "start", "Привет")),
        *((text, False) for text in ("hello world app in rust", "help the user find a file", "fix the login", "test the parser")),
    ],
)  # fmt: skip
def test_a_greeting_is_nothing_but_a_greeting(text: str, greets: bool) -> None:
    assert is_greeting(text) is greets


def test_assent_as_people_type_it_is_clear_and_anything_with_more_in_it_is_not() -> None:
    assert {text: read_assent(text) for text in _each(MORE_CLEAR)} == dict.fromkeys(
        _each(MORE_CLEAR), Assent.CLEAR
    )
    assert [text for text in _each(NOT_CLEAR) if read_assent(text) is Assent.CLEAR] == []


@pytest.mark.parametrize(
    ("texts", "intent"),
    [
        (_STOP, Intent.STOP),
        (_PAUSE, Intent.PAUSE),
        (_STATUS, Intent.STATUS),
        (_RESUME, Intent.RESUME),
        (_RETRY, Intent.RETRY),
    ],
)
def test_a_request_to_a_session_is_read_in_any_usual_language(texts: str, intent: Intent) -> None:
    assert {text: read_intent(text) for text in _each(texts)} == dict.fromkeys(_each(texts), intent)


@for_each(
    "text",
    _each(
        "don't stop|do not stop|never stop|please don't stop|should I stop?|wait for CI|status code 404|continue with B"
        "|cancel the subscription in tests|kill the zombie processes|retry three times|retry on 429|exit code 2"
        "|abort on error|stop and think|stop at phase 2|stop in 5 minutes|restart the server in the tests"
        "|the update is wrong|news feed widget|no more mocks|alto contraste|done|fertig|готово"
    ),
)
def test_a_sentence_with_such_a_word_in_it_is_no_request(text: str) -> None:
    assert read_intent(text) is None


@for_each(
    ("text", "intent"),
    [
        *((text, Intent.STOP) for text in ("sotp", "stpo", "STPO!!", "⛔", "🚫🚫", "stop the presses", "redis stop", "cancle", "stop redis", "stop, this is the wrong branch", "Wrong repository. Stop!", "stop — you are on main", "please stop: I have to think", "can we stop here", "I want to stop", "stop pls i made a mistake", "we really must stop", "stop it now please, ok")),
        *((text, Intent.PAUSE) for text in ("pasue", "puase!")),
        *((text, Intent.STATUS) for text in ("stauts?", "sttaus")),
        *((text, None) for text in ("stop using tabs", "don't stop", "don't stop, go on", "use sqlite, not postgres", "the bus stop, the end", "never stop it", "use tabs", "stop at phase 2", "why did it suddenly stop?", "when do we stop", "stop when all tests pass", "the run should end with a full stop sign", "👎", "", "no more mocks please")),
    ],
)  # fmt: skip
def test_a_misspelled_or_decorated_request_may_be_one(text: str, intent: Intent | None) -> None:
    assert near_intent(text) is intent


@for_each(
    ("text", "is_asked"),
    [
        # Assent of which no table knows, in any language: asked, never a rejection.
        *((text, True) for text in ("tip top", "chevere", "Mashallah", "groovy", "jazakallah", "шик", "🦄", "...", "maybe", "hmm", "later", "bombenfest")),
        *((text, True) for text in ("couldn't be better than that", "could not be any better", "you nailed it, thank you so much", "es justo lo que quería", "should be ok?", "that is what I wanted", "couldn't ask for more", "I wouldn't change a thing", "couldn't find anything wrong", "no need to change anything", "this should work", "what a great plan", "лучше не бывает", "besser geht's nicht", "all the steps make sense to me", "esto supera mis expectativas, muchas gracias")),
        *((text, True) for text in ("I say you should go ahead", "I want this", "how nice", "10/10", "100 % 🎉", "I don't mind", "nichts dagegen", "make it short, then go ahead", "what a beauty", "not perfect, but ok", "не идеально, но ок")),
        *((text, False) for text in ("I want sqlite", "10/12", "it should log", "how about sqlite", "too big", "I don't like it", "you should not go ahead")),
        *((text, False) for text in ("more of the second part, please", "use sqlite instead", "the second phase is missing tests", "not what I wanted", "isn't what we wanted", "this should be better", "what I want is sqlite in the second phase, with tests of it", "the tests should be first")),
        *((text, False) for text in ("shorter", "use argparse", "not good", "too long", "kürzer", "без тестов", "why sqlite?", "phase 2", "src/app.py", "I would rather have it in one file", "不要数据库", "missing tests")),
    ],
)  # fmt: skip
def test_a_short_text_that_asks_for_no_change_may_be_assent(text: str, is_asked: bool) -> None:
    assert is_unclear(text) is is_asked


@pytest.mark.parametrize(
    ("text", "is_done"),
    [
        *((text, True) for text in ("done", "Done!", "done, thanks", "I did it", "erledigt", "listo", "c'est fait", "готово", "好了", "✅", "all set 👍")),
        *((text, False) for text in ("done?", "not done", "done but it fails", "is it done", "almost done")),
    ],
)  # fmt: skip
def test_done_and_nothing_else_confirms_an_action(text: str, is_done: bool) -> None:
    assert reports_done(text) is is_done


@for_each(
    ("text", "usd", "more"),
    [
        ('5', 5, False),
        ('5$', 5, False),
        ('$5.', 5, False),
        ('US$5', 5, False),
        ('USD 5', 5, False),
        ('5 USD', 5, False),
        ('usd5', 5, False),
        ('5usd', 5, False),
        ('5 bucks', 5, False),
        ('5 dollar', 5, False),
        ('five', None, False),
        ('€5', 5, False),
        ('5€', 5, False),
        ('5 euro', 5, False),
        ('5 euros', 5, False),
        ('£5', 5, False),
        ('raise to 5', 5, False),
        ('Raise it to $5.', 5, False),
        ('raise it to 5 dollars please', 5, False),
        ('raise budget to 5', 5, False),
        ('budget 5', 5, False),
        ('budget: 5', 5, False),
        ('budget=5', 5, False),
        ('set budget to $5', 5, False),
        ('set the limit to 5', 5, False),
        ('new limit 5', 5, False),
        ('new budget: $5', 5, False),
        ('the budget is 5 now', 5, False),
        ('increase to 5', 5, False),
        ('increase it to $5', 5, False),
        ('increase the cap to 5$', 5, False),
        ('increase by 5', 5, True),
        ('raise by $5', 5, True),
        ('raise it by 5', 5, True),
        ('add 5 more', 5, True),
        ('+ 5', 5, True),
        ('+$5', 5, True),
        ('+5$', 5, True),
        ('5 more please', 5, True),
        ('give it 5 more', 5, True),
        ('give it another $5', 5, True),
        ('another five', None, False),
        ('extra 5', 5, True),
        ('5 extra', 5, True),
        ('$5 on top', 5, True),
        ('plus 5', 5, True),
        ('5 additional dollars', 5, True),
        ('let it spend 5 more', 5, True),
        ('go up to 5', 5, False),
        ('up to $5 is ok', 5, False),
        ('you can spend 5', 5, False),
        ('you may spend up to $5', 5, False),
        ('you can use 5 dollars', 5, False),
        ('it can have 5', 5, False),
        ('make it 5', 5, False),
        ('make that 5', 5, False),
        ("let's do 5", 5, False),
        ('lets say 5', 5, False),
        ('say 5', 5, False),
        ('try 5', 5, False),
        ('ok 5', 5, False),
        ('okay, $5', 5, False),
        ('yes, 5', 5, False),
        ('sure, 5', 5, False),
        ('fine, 5', 5, False),
        ('alright 5', 5, False),
        ('5 please', 5, False),
        ('pls 5', 5, False),
        ('5 plz', 5, False),
        ('5 thanks', 5, False),
        ('5 then', 5, False),
        ('max 5', 5, False),
        ('at most 5', 5, False),
        ('no more than 5', 5, False),
        ('not more than 5', 5, False),
        ('limit it to 5', 5, False),
        ('cap it at 5', 5, False),
        ('cap at $5', 5, False),
        ('bump to 5', 5, False),
        ('bump it to 5', 5, False),
        ('bump by 2', 2, True),
        ('double it', None, False),
        ('5.00', 5, False),
        ('5,00 $', 5, False),
        ('$1,000', 1000, False),
        ('1000', 1000, False),
        ('1 000', None, False),
        ('$12.50', 12.5, False),
        ('.5', None, False),
        ('0.5', 0.5, False),
        ('5 usd total', 5, False),
        ('$5 total', 5, False),
        ('5 in total', 5, False),
        ('erhöhe auf 5', 5, False),
        ('erhöhe das Budget auf 5', 5, False),
        ('auf 5 erhöhen', 5, False),
        ('mach 5', 5, False),
        ('mach 5 draus', 5, False),
        ('5 Dollar bitte', 5, False),
        ('noch 5 Dollar', 5, True),
        ('5 mehr', 5, True),
        ('um 5 erhöhen', 5, True),
        ('súbelo a 5', 5, False),
        ('sube a 5', 5, False),
        ('5 dólares', 5, False),
        ('5 más', 5, True),
        ('hasta 5', 5, False),
        ('aumenta a 5', 5, False),
        ('monte à 5', 5, False),
        ('augmente à 5', 5, False),
        ('passe à 5', 5, False),
        ('5 de plus', 5, True),
        ('porta a 5', 5, False),
        ('alza a 5', 5, False),
        ('altri 5', 5, True),
        ('mais 5', 5, True),
        ('até 5', 5, False),
        ('подними до 5', 5, False),
        ('увеличь до 5', 5, False),
        ('увеличь на 5', 5, True),
        ('на 5 больше', 5, True),
        ('до 5', 5, False),
        ('давай 5', 5, False),
        ('ещё 5', 5, True),
        ('5 долларов', 5, False),
        ('пусть будет 5', 5, False),
        ('podnieś do 5', 5, False),
        ('zwiększ do 5', 5, False),
        ('verhoog naar 5', 5, False),
        ('höj till 5', 5, False),
        ('5 dolar', 5, False),
        ("5'e çıkar", None, False),
        ('加到5', 5, False),
        ('5美元', 5, False),
        ('再加5', 5, True),
        ('5ドル', 5, False),
        ('5달러', 5, False),
        ('٥', 5, False),
        ('５', 5, False),
        ('$5!!!', 5, False),
        ('5 👍', 5, False),
        ('👍 5', 5, False),
        ('💰5', 5, False),
        ('$5 💰', 5, False),
        ('raise to $5 and continue', 5, False),
        ('raise it to 5 and go on', 5, False),
        ('5 and continue', 5, False),
        ('5, continue', 5, False),
        ('continue with 5', 5, False),
        ('raise to 5 then continue please', 5, False),
        ('ok raise it to 10 dollars', 10, False),
        ('i think 5 is enough', 5, False),
        ('5 should do', 5, False),
        ('5 should be enough', 5, False),
        ('5 is enough', 5, False),
        ('5 is fine', 5, False),
        ('$5 max', 5, False),
        ('5 per session', None, False),
        ('5k', None, False),
        ('5 minutes', None, False),
        ('5 tests', None, False),
        ('-5', None, False),
        ('- 5', None, False),
        ('5-10', None, False),
        ('lower it to 1', 1, False),
        ('reduce by 1', None, False),
        ('5%', None, False),
        ('not 5', None, False),
        ("don't raise it to 5", None, False),
        ('retry 5 times', None, False),
        ('wait 5', None, False),
        ('1e9', None, False),
        ('cut it by 1', None, False),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(text: str, usd: float | None, more: bool) -> None:
    assert read_amount(text) == (None if usd is None else BudgetAmount(usd, more=more))
