"""Phrases by which people say yes, no, stop and the like, in the usual languages; `intents` matches them."""

from __future__ import annotations

YES = """
    ok|oke|okey|okay|okey dokey|k|kk|yes|yes sir|yep|yeah|yea|yup|ya|ye|aye|y|sure|sure thing|of course|absolutely|definitely
    |agreed|i agree|agree|accept|accepted|i accept|approve|approved|i approve|approve it|confirm|confirmed|correct|right
    |lgtm|sgtm|lgfm|wfm|works for me|fine by me|fine with me|ship it|shipit|merge it|go|go on|go ahead|go for it|do it
    |let s go|lets go|let s do it|lets do it|make it so|proceed|continue|carry on|start|begin|build it|run it
    |looks good|looks great|looks fine|looks ok|looks okay|looks right|looks perfect|looks nice|looks excellent
    |look good|sounds good|sounds great|sounds fine|sounds right|all good|good to go|you re good|we re good
    |this is fine|that s fine|is fine|is good|is great|is ok|is okay|is perfect|nothing|nothing different|nichts|nada|rien|ничего
    |good|great|fine|nice|perfect|excellent|awesome|cool|super|wonderful|amazing|brilliant|lovely|love it|like it
    |i like it|i love it|good plan|great plan|nice plan|good job|great job|well done|good work|nice work|great work
    |no problem|no problems|no objections|no objection|no changes|no changes needed|nothing to change|no comments
    |no notes|nothing to add|plus one|ack|acked|acknowledged|pode ir|pode seguir
    |ja|jawohl|jep|jo|jup|klar|passt|passt so|passt mir|in ordnung|einverstanden|genehmigt|freigegeben|los|los geht s
    |leg los|mach|mach es|mach s|mach so|mach das|sehr gut|gut|sieht gut aus|sieht super aus|alles klar|gerne|genau|stimmt
    |weiter|weiter so|machen|prima|keine einwaende|keine einwände
    |si|sí|claro|claro que si|claro que sí|vale|dale|de acuerdo|adelante|aprobado|apruebo|perfecto|bien|muy bien
    |esta bien|está bien|hazlo|genial|me parece bien|correcto|listo|procede
    |oui|ouais|d accord|dac|vas y|allez y|allez|parfait|tres bien|très bien|c est bon|c est parfait|approuve|approuvé
    |j approuve|bien sur|bien sûr|ca marche|ça marche|ca roule|ça roule|ca me va|ça me va|nickel|entendu|valide|validé
    |va bene|va benissimo|perfetto|certo|procedi|vai|approvato|approvo|d accordo|bene|ottimo|tutto bene
    |sim|pode ser|pode|aprovado|aprovo|perfeito|beleza|ta bom|tá bom|esta bom|está bom|otimo|ótimo|vamos|bora|manda ver
    |combinado|certo|isso
    |да|ага|угу|ок|окей|хорошо|отлично|супер|согласен|согласна|одобряю|одобрено|давай|давайте|поехали|вперед|вперёд
    |делай|делайте|годится|подходит|норм|нормально|принято|утверждаю|конечно|верно|всё верно|все верно|всё хорошо
    |все хорошо|так|добре|гаразд|згоден|згодна|схвалюю
    |tak|dobrze|zgoda|zatwierdzam|jasne|swietnie|świetnie|super|git|ano|dobře|dobre|souhlasim|souhlasím|schvaluji|jo
    |prima|akkoord|goed|goedgekeurd|ga door|doe maar|ga je gang|mooi|prima zo|is goed
    |godkänd|godkant|godkänt|bra|kör|kör på|ser bra ut|godkendt|godkjent|fint|ser fint ut|ser godt ud|greit|kjør|joo
    |kyllä|hyvä|hyväksyn|selvä|evet|tamam|onaylıyorum|onayliyorum|onay|güzel|guzel|harika|olur
    |igen|rendben|jóváhagyom|mehet|da|bine|de acord|aprob|ναι|εντάξει|ενταξει|οκ|συμφωνώ|כן|מאשר|בסדר|אוקיי
    |نعم|موافق|حسنا|تمام|اوكي|अच्छा|हाँ|हां|ठीक है|theek hai|haan|iya|ya|setuju|oke|baik|được|vâng|đồng ý
    |好|好的|可以|行|没问题|同意|批准|通过|是|是的|对|はい|いいね|いいです|了解|承認|オーケー|お願いします|大丈夫|いいよ
    |네|예|좋아|좋아요|승인|승인합니다|오케이|그래|ใช่|ตกลง|โอเค
"""
FILLERS = """
    please|pls|plz|thanks|thank you|thx|ty|cheers|then|now|so|it|this|that|the plan|plan|your plan|to me|for me|with it
    |with that|with this|and|a|very|really|all|mate|bro|man|buddy|everything|as is|like that|like this|from me
    |bitte|danke|dann|so|der plan|mir|sehr|alles|por favor|gracias|el plan|todo|tudo|merci|s il te plait|s il vous plait
    |le plan|tout|grazie|per favore|il piano|tutto|obrigado|obrigada|o plano|пожалуйста|спасибо|план|всё|все|мне|очень
    |proszę|prosze|dzięki|dzieki|tack|tak|takk|dank je|bedankt|alstublieft|lütfen|teşekkürler|谢谢|ありがとう|です|감사합니다
    |i think|i guess|super|und|y|et|e|и|i
"""
NEGATIONS = frozenset(
    [
        "no",
        "not",
        "nope",
        "nah",
        "don",
        "dont",
        "don't",
        "never",
        "none",
        "nein",
        "nicht",
        "kein",
        "keine",
        "nee",
        "niet",
        "geen",
        "non",
        "pas",
        "ne",
        "jamais",
        "nunca",
        "nao",
        "não",
        "nicht",
        "нет",
        "не",
        "нельзя",
        "ні",
        "nie",
        "ne",
        "ej",
        "inte",
        "ikke",
        "ikkje",
        "ei",
        "hayır",
        "hayir",
        "değil",
        "nem",
        "nu",
        "όχι",
        "לא",
        "لا",
        "नहीं",
        "नहीं",
        "tidak",
        "bukan",
        "không",
        "不",
        "不行",
        "不要",
        "いいえ",
        "아니",
        "아니요",
        "ไม่",
        "reject",
        "rejected",
        "ablehnen",
        "rechazo",
        "rechazar",
    ]
)
NO = frozenset(
    [
        "no",
        "nope",
        "nah",
        "nein",
        "nee",
        "non",
        "não",
        "nao",
        "нет",
        "ні",
        "nie",
        "ne",
        "nej",
        "nei",
        "hayır",
        "hayir",
        "nem",
        "nu",
        "όχι",
        "לא",
        "لا",
        "नहीं",
        "tidak",
        "không",
        "不",
        "不行",
        "いいえ",
        "아니요",
        "아니",
        "ไม่",
        "reject",
        "rejected",
        "disapprove",
        "👎",
        "❌",
        "🚫",
        "✖",
    ]
)
YES_SIGNS = frozenset(
    [
        "👍",
        "👌",
        "✅",
        "✔",
        "☑",
        "🆗",
        "💯",
        "🚀",
        "🎉",
        "🙌",
        "👏",
        "❤",
        "🔥",
        "🫡",
        "🤝",
        "🥳",
        "😍",
        "✊",
        "💪",
        "🤙",
        "🟢",
        "🏁",
        "🚢",
        "😊",
        "😀",
        "😃",
        "😄",
        "🙂",
        "☺",
        "😎",
        "🤩",
        "💚",
        "💙",
        "⭐",
        "🌟",
        "👊",
        "🥂",
        "🎊",
    ]
)
STOP = """
    stop|stop it|stop this|stop that|stop now|stop please|please stop|stop stop|stop stop stop|stop everything|halt|abort
    |stop the session|stop the run|stop the agent|stop work|stop working|enough|that s enough|やめて|abort it|cancel|cancel it|cancel this|kill|kill it|quit|end it|stopp|stoppen|anhalten|abbrechen|halt an|hör auf|aufhören
    |para|parar|para ya|detente|deten|detén|basta|alto|arrete|arrête|arretez|arrêtez|ferma|fermati|fermo|pare|стоп|остановись
    |останови|хватит|зупинись|zatrzymaj|sluta|stoppa|dur|durdur|停|停止|止めて|止まれ|ストップ|멈춰|중지|⏹|🛑|✋
"""
PAUSE = """
    pause|pause it|pause this|take a break|pause the session|pause now|pause please|please pause|hold|hold on|hold it|wait|wait a bit|wait a moment|wait a minute
    |wait a sec|one moment|pausieren|pausiere|warte|warten|pausa|espera|un momento|attends|attendez|aspetta|espere
    |пауза|подожди|подождите|погоди|pauza|czekaj|vänta|paus|duraklat|bekle|暂停|等一下|一時停止|待って|잠깐|일시정지|⏸
"""
STATUS = """
    status|status please|state|status update|update|any update|any updates|any news|news|progress|how is it going|how s it going|hows it going
    |how is it|how far|how far are you|how far is it|what s up|whats up|what is up|what s going on|what is going on
    |what are you doing|what is it doing|where are you|where are we|are you there|are you alive|alive|still running
    |still alive|is it running|eta|done yet|is it done|is it done yet|are we there yet|stand|wie weit|wie weit bist du|wie steht es|wie läuft es|wie läuft s
    |are you done|is it finished|finished yet|how is it doing    |estado|como va|cómo va|ou en es tu|où en es tu|ça avance|ca avance|come va|a che punto sei|как дела|статус|что там
    |как там|进度|状态|どう|状況|進捗|상태|📊|❓
"""
RESUME = """
    resume|resume it|resume please|resume now|continue|continue please|go on|carry on|keep going|unpause|proceed|resume the session|weiter|weitermachen|mach weiter|fortsetzen
    |continua|continúa|sigue|reanuda|continue por favor|continuer|reprends|reprendre|riprendi|продолжай|продолжи|дальше
    |kontynuuj|fortsätt|devam|devam et|继续|続けて|계속|▶
"""
RETRY = """
    retry|retry it|try again|try it again|try once more|again|once more|one more time|retry please|please retry|nochmal
    |noch mal|noch einmal|versuch es nochmal|otra vez|intentalo de nuevo|inténtalo de nuevo|reintentar|encore|reessaie
    |réessaie|riprova|ancora|tente de novo|de novo|ещё раз|еще раз|повтори|jeszcze raz|igen|försök igen|tekrar|tekrar dene|重试|再试一次
    |もう一度|다시|다시 시도|🔁|🔄
"""
DONE = frozenset({"done", "ok", "okay", "yes"})
GREETINGS = """
    hi|hello|hey|hello there|hi there|hey there|hiya|howdy|yo|good morning|good afternoon|good evening|morning|greetings
    |hi bot|hello bot|hey bot|hi samobot|hello samobot|sup|help|help me|help please|what can you do|what can i do
    |what can you do for me|how does this work|how does it work|how do you work|how do i use this|how do i use you|who are you|what are you|what is this|test|testing|ping|start
    |begin|how do i start|how to start|what now|commands|menu|hallo|moin|servus|guten tag|guten morgen|hilfe|hola|buenas|buenos dias
    |buenos días|ayuda|bonjour|salut|coucou|aide|ciao|salve|buongiorno|aiuto|olá|ola|oi|ajuda|привет|здравствуйте|здравствуй
    |помощь|помоги|cześć|czesc|hej|dzień dobry|pomoc|hoi|merhaba|selam|yardım|你好|您好|嗨|こんにちは|안녕|안녕하세요|👋|🙋|😀|🙂|❓
"""
MONEY_LEAD = frozenset(
    [
        "raise",
        "raised",
        "increase",
        "set",
        "make",
        "bump",
        "up",
        "lift",
        "put",
        "it",
        "that",
        "this",
        "the",
        "budget",
        "limit",
        "cap",
        "max",
        "maximum",
        "to",
        "at",
        "by",
        "add",
        "give",
        "allow",
        "more",
        "use",
        "spend",
        "is",
        "be",
        "please",
        "ok",
        "okay",
        "yes",
        "let",
        "’s",
        "s",
        "use",
        "of",
        "a",
        "another",
        "an",
        "extra",
        "with",
        "for",
        "now",
        "then",
        "go",
        "higher",
        "can",
        "have",
        "let's",
        "let’s",
        "du",
        "ja",
        "auf",
        "um",
        "bis",
        "erhöhe",
        "erhöh",
        "mehr",
        "noch",
        "noch’n",
        "weitere",
        "sube",
        "subelo",
        "súbelo",
        "a",
        "hasta",
        "más",
        "mas",
        "otros",
        "augmente",
        "à",
        "jusqu",
        "encore",
        "plus",
        "подними",
        "до",
        "ещё",
        "еще",
        "на",
        "бюджет",
        "да",
        "aumenta",
        "fino",
        "ancora",
        "ate",
        "até",
        "mais",
        "sim",
        "si",
        "sí",
        "oui",
    ]
)
MONEY_TAIL = frozenset(
    [
        "more",
        "please",
        "then",
        "now",
        "extra",
        "additional",
        "is",
        "fine",
        "ok",
        "okay",
        "thanks",
        "should",
        "be",
        "do",
        "total",
        "in",
        "max",
        "maximum",
        "altogether",
        "top",
        "on",
        "mehr",
        "más",
        "mas",
        "de",
        "plus",
        "ещё",
        "еще",
        "di",
        "più",
        "mais",
        "bitte",
        "danke",
        "for",
        "it",
        "this",
        "session",
        "today",
    ]
)
ADDS = frozenset(
    [
        "more",
        "add",
        "another",
        "extra",
        "additional",
        "by",
        "further",
        "encore",
        "mehr",
        "noch",
        "um",
        "weitere",
        "más",
        "mas",
        "otros",
        "plus",
        "ещё",
        "еще",
        "ancora",
        "mais",
    ]
)
