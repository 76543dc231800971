"""Phrases by which people say yes, no, stop and the like, in the usual languages; `intents` matches them."""

from __future__ import annotations


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


YES = """
    ok|oke|okey|okay|okey dokey|k|kk|yes|yes sir|yep|yeah|yea|yup|ya|ye|aye|y|sure|sure thing|of course|absolutely|definitely
    |agreed|i agree|agree|accept|accepted|i accept|approve|approved|i approve|approve it|confirm|confirmed|correct|right
    |lgtm|sgtm|lgfm|wfm|works for me|fine by me|fine with me|ship it|shipit|merge it|go|go on|go ahead|go for it|do it
    |let s go|lets go|let s do it|lets do it|make it so|proceed|continue|carry on|start|begin|build it|run it
    |you should go ahead|go right ahead|by all means|hell yes|hell yeah|heck yes|heck yeah|yessir|please do|let s implement it
    |proceed with implementation|proceed with the implementation|let s get started|you may start|you may begin|ga maar|nur zu|läuft
    |меня устраивает|ок погнали|let s roll|be my guest
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
    |okie|okie dokie|oki|roger|10 4|alright|all right|alrighty|aight|righto|right on|fire away|have at it|you may proceed|pls go
    |approved by me|is approved|that works|it works|works|works great|works well|works fine|is fine|will do|that ll do|that will do|green light|you have my approval
    |you ve got my approval|you have my blessing|thumbs up|ship|lg|lgtm2|lg2m|l g t m|go live|lfg|let us go|let s start|let s begin|let s roll|let s build it
    |begin implementation|start implementing|start coding|start building|start working|get started|get going|get to work|implement it|implement|go implement|build|execute|run|code it
    |do this|do that|let s do this|just do it|happy|i m happy|happy with|i m ok with|i m okay with|i m fine with|i m good with|i am happy|i am ok with|i am fine with|i m on board|on board|i m in
    |ok by me|ok with me|okay by me|okay with me|good by me|good with me|good enough|good stuff|nice one|gj|gtg|why not|indeed|exactly|precisely|100|100 percent|for sure|affirmative|positive
    |granted|permission granted|approval granted|endorsed|i agree with|agree with|i support|seems good|seems fine|seems ok|seems okay|seems right|seems great|seems reasonable|reasonable|makes sense|it makes sense
    |sounds like a plan|sounds perfect|sounds excellent|sounds ok|sounds okay|sounds reasonable|sounds lovely|looks reasonable|looks solid|looks amazing|looks awesome|looks correct|looks sane|solid|all clear|understood|got it|gotcha|fantastic|beautiful|terrific|superb|marvellous|splendid|outstanding|brilliant|stellar|impressive|sweet|neat|dope|sick|rad|chef s kiss|spot on|on point|on the money
    |no further changes|no more changes|no changes required|no changes necessary|no change|no change needed|no concerns|no concern|no remarks|no issues|no issue|no complaints|no worries|no questions|no feedback|no edits|no corrections|nothing from me|nothing from my side
    |not bad|not bad at all|can t complain|cannot complain|don t change anything|don t change a thing|do not change anything|change nothing|leave it as is|leave it like this|keep it|keep it as is|keep it like that|keep it like this|keep going|i m satisfied|satisfied
    |jaja|na klar|aber klar|klar doch|sicher|naturlich|selbstverstandlich|gefallt mir|gefallt mir gut|sieht ok aus|sieht sehr gut aus|sieht perfekt aus|sieht toll aus|sieht prima aus|klingt gut|klingt super|klingt vernünftig|mach mal|mach ruhig|mach weiter|kannst du machen|kannst loslegen|du kannst loslegen|kannst anfangen
    |auf geht s|ab geht s|dann los|abgesegnet|bestatigt|ich bestatige|ich genehmige|ich stimme zu|stimme zu|zugestimmt|ich bin einverstanden|bin einverstanden|bin dabei|keine anderungen|keine weiteren anderungen|so machen wir s|machen wir so|machen wir|wird gemacht|passt fur mich|passt perfekt|passt schon|passt super|passt alles
    |geht klar|geht in ordnung|freigabe|freigabe erteilt|daumen hoch|top|spitze|wunderbar|hervorragend|ausgezeichnet|perfekt|toll|klasse|bestens|fein|jawoll|logo|gebongt|geil|umsetzen|setz es um|setz das um|bitte umsetzen|so umsetzen
    |por supuesto|me gusta|me encanta|esta perfecto|esta genial|sin cambios|me parece perfecto|me parece|me parece genial|venga|vamos|buenisimo|excelente|estoy de acuerdo|lo apruebo|tiene buena pinta|se ve bien|se ve genial|sigue adelante|dale nomas|confirmo|confirmado|aceptado|acepto|fenomenal|estupendo|de una|va|sale|orale|suena bien|todo correcto|todo bien|puedes empezar|empieza|impleméntalo
    |c est ok|c est valide|je valide|je confirme|je suis d accord|bonne idee|allons y|ca me convient|ca convient|rien a changer|rien a redire|rien a dire|genial|impeccable|impec|banco|feu vert|continue comme ca|tout est bon|tout bon|tout va bien|super|excellent|accepte|confirme|bien vu|top la|tu peux y aller|tu peux commencer|lance|lance toi|fonce|c est parti|ok pour moi|go pour moi|bon pour moi|ca me semble bien|me va
    |mi piace|mi sembra buono|mi sembra ok|mi va bene|per me va bene|per me ok|sono d accordo|andiamo|vai cosi|vai pure|procedi pure|confermo|confermato|nessuna modifica|benissimo|molto bene|tutto ok|tutto a posto|buono|eccellente|si puo fare|d accordissimo|accetto|accettato
    |pode continuar|pode prosseguir|pode comecar|pode fazer|concordo|de acordo|tudo certo|tudo bem|ta otimo|esta otimo|esta perfeito|gostei|adorei|manda bala|segue|sem alteracoes|sem mudancas|fechado|valeu|excelente|maravilha|faz isso|faca isso|confirmado|aceito|parece bom|parece otimo|com certeza
    |ладно|лады|именно|согласен с|согласна с|хороший|хорошая|план хороший|хороший план|мне нравится|нравится|можно|можно начинать|можешь начинать|начинай|начинайте|начинаем|приступай|приступайте|приступаем|запускай|запускаем|погнали|го|продолжай|продолжайте|без изменений|замечаний нет|нет замечаний|нет возражений|возражений нет|не возражаю|ничего менять не надо|ничего не меняй
    |утверждено|утвержден|утверждаю|подтверждаю|подтверждено|апрув|апрувлю|аппрув|лгтм|класс|классно|круто|идеально|прекрасно|замечательно|пойдет|сойдет|йес|ес|здорово|шикарно|огонь|топ|всё ок|все ок|всё отлично|все отлично|всё супер|всё верно|всё правильно|правильно|точно|разумеется|естественно|звучит хорошо|выглядит хорошо|выглядит отлично|выглядит нормально|не против|я за|за|одобрен|плюс|плюсую|делаем|действуй|валяй
    |погоджуюсь|погоджую|чудово|поїхали|підходить|все добре|звісно|авжеж|затверджую|затверджено|починай|продовжуй|гарно|виглядає добре|без змін
    |zgadzam sie|akceptuje|zaakceptowane|zatwierdzone|wyglada dobrze|brzmi dobrze|w porzadku|dobra|okej|lecimy|dzialaj|smialo|pewnie|dobry plan|idealnie|doskonale|swietny plan|moze byc|bez zmian|potwierdzam|rob|zaczynaj|jest ok|super
    |v poradku|v poriadku|jasne|do toho|schvaleno|schvalujem|vypada dobre|vyzera dobre|ano|suhlasim|potvrzuji|skvele|vyborne|muzes zacit|bez zmen|jasne
    |ja hoor|ziet er goed uit|ziet er prima uit|goedkeuren|ik keur het goed|helemaal goed|lijkt me goed|lijkt me prima|klinkt goed|uitstekend|doe het|zeker|geen wijzigingen|geen bezwaar|begin maar|perfect|mee eens|ik ga akkoord
    |later bra|lat bra|godkanner|jag godkanner|kor hart|okej|absolut|perfekt|det ser bra ut|helt fint|helt ok|se bra ut|inga andringar|horer bra ut|hores bra ut|det er fint|lyder godt|kanon|godt|det er godt|jeg er enig|enig|godkender|godkjenner|fortsett|sett i gang|gor det|gjor det|flott|topp|bare kjor|utmarkt|toppen
    |naytta hyvalta|nayttaa hyvalta|anna menna|sopii|jatka|kuulostaa hyvalta|hienoa|loistavaa|erinomaista|ok minulle
    |tamamdir|uygundur|uygun|devam et|devam|basla|baslayabilirsin|kabul|kabul ediyorum|mukemmel|super|iyi gorunuyor|iyi|cok iyi|elbette|tabii|tabi|peki|onaylandi
    |oke|jo lesz|rendben van|tokeletes|elfogadom|jol nez ki|kezdheted|csinald|persze|szuper|sunt de acord|arata bine|aprobat|perfect|e bine|este bine|desigur|hai|incepe|foarte bine
    |προχωρα|προχωρησε|τελεια|μια χαρα|συμφωνοι|εγκρινω|εγκρινεται|ενταξει|ωραια|καλα|πολυ καλα|βεβαια|σωστα
    |תמשיך|קדימה|מעולה|סבבה|אישור|מאושר|אני מאשר|מאשרת|יופי|נראה טוב|בטח|תתחיל
    |أوافق|موافق عليه|اوافق|تفضل|ابدأ|ابدا|ممتاز|حسنا|جيد|جيد جدا|تم الموافقة|نعم اوافق|أكيد|طبعا|استمر|بله|آره|باشه|موافقم|تایید|خوبه|عالی
    |जी|जी हाँ|हाँ जी|सही है|सही|मंज़ूर|मंज़ूर है|मंजूर|मंजूर है|बढ़िया|चलो|ठीक|बहुत अच्छा|करो|शुरू करो|ji haan|haan ji|haan|ji|bilkul|sahi hai|sahi|accha|acha|theek|thik hai|kar do|chalo|badhiya|হ্যাঁ|ঠিক আছে|ஆம்|சரி
    |lanjut|lanjutkan|silakan|siap|boleh|mantap|bagus|teruskan|setuju dengan itu|gas|gaskeun|saya setuju|disetujui|betul|kerjakan|mulai|oo|opo|sige|ayos
    |được rồi|ok luôn|tốt|tốt lắm|làm đi|tiếp tục đi|tiếp tục|chấp nhận|duyệt|ổn|ổn rồi|tôi đồng ý|dong y|duoc
    |开始|开始吧|继续|继续吧|就这样|就这样吧|就这么办|很好|挺好|非常好|不错|很不错|看起来不错|看起来很好|看起来可以|看着不错|赞成|赞|赞同|确认|没意见|没有意见|没有问题|没毛病|好啊|好滴|好嘞|好吧|嗯|嗯嗯|通過|準備好了|可以开始|可以开始了|没有异议|同意了|我同意|完美|棒|太好了|太棒了|对的|当然|妥|收到|執行|执行|开工|搞起|批准了|已批准|可以的|好呀|沒問題|開始吧|繼續|看起來不錯|沒意見|很棒|讚
    |オッケー|承認します|承認しました|承認です|問題ありません|問題ない|問題なし|進めてください|進めて|進めてOK|それでお願い|それで大丈夫|それでいい|それで|良いと思います|いいと思います|完璧|了解しました|わかりました|分かりました|よろしくお願いします|よろしく|続けてください|続けて|うん|賛成|同意します|ええ|素晴らしい|始めてください|始めて|良い|良さそう|よさそう|いいですね|いいよ|ぜひ|もちろん|合意|おけ|おk
    |진행해|진행해주세요|진행해 주세요|진행하세요|진행 부탁드립니다|진행합시다|진행|승인해요|승인할게요|알겠습니다|알겠어|괜찮아요|괜찮아|괜찮습니다|문제없어요|문제 없어요|문제없음|동의합니다|동의해요|동의|좋습니다|좋네요|네네|넵|넹|응|ㅇㅋ|ㅇㅇ|ㅇㅋㅇㅋ|오케|확인|확인했습니다|완벽해요|완벽|시작해|시작하세요|시작해주세요|물론|그렇게 해|그렇게 하세요
    |ได้เลย|ได้|ดีมาก|ดี|เห็นด้วย|อนุมัติ|ดำเนินการ|ดำเนินการต่อ|เริ่มเลย|ทำเลย|เยี่ยม
    |+|++|100500|ja gerne|si senor
    |make it happen|you have the green light|you ve got the green light|green lit|no objections here|no concerns here
    |i have no objections|i ve no objections|i have no objection|i have no concerns|i have no changes|i ve no changes
    |you can start|you can go ahead|you can approve it|let s ship it|let s get going|thank you very much|thanks a lot
"""
DOUBTFUL = """
    do it right|yes for now|ok for now|okay for now|fine for now|good for now|ok so far|okay so far|good so far
    |so far so good|fine so far|all good so far|looks good so far|great so far|yeah right|ya right|yeah sure|oh great|oh wonderful|oh perfect|oh fantastic|just great|great just great|just perfect
    |na toll|na super|na klasse|ага конечно|ну конечно|ну да конечно|ага щас|genial vraiment|ja ja klar
    |not yet|not now|not so fast|not quite|not quite yet|not just yet|no not yet|not today|don t yet|wait don t|wait no
    |wait not yet|no wait|noch nicht|jetzt nicht|todavia no|aun no|ahora no|pas encore|pas maintenant|non ancora|ainda nao
    |agora nao|еще нет|пока нет|не сейчас|рано|еще рано|ще ні|поки ні|jeszcze nie|nie teraz|jeste ne|este nie|nog niet
    |inte an|ikke enna|ikke endnu|ei viela|henuz degil|daha degil|meg nem|inca nu|οχι ακομα|עדיין לא|ليس بعد|अभी नहीं
    |belum|chưa|还没有|还没|先不要|先别|暂时不要|まだ|まだです|아직|아직 아니야|아직요|ยัง|ยังไม่
"""
"""Sarcasm, and answers that only put a decision off: neither assent nor a change of the plan."""

NOTHING = _listed("nothing nothin nada nichts rien niente ничего nic niets ingenting hiçbir")
"""Assent as the whole answer to what to change."""

FILLERS = """
    um|uh|uhm|erm|please|pls|plz|thanks|thank you|thx|ty|cheers|then|now|so|it|this|that|the plan|plan|your plan|to me|for me|with it
    |with that|with this|and|a|very|really|all|mate|bro|man|buddy|everything|as is|like that|like this|from me
    |bitte|danke|dann|so|der plan|mir|sehr|alles|por favor|gracias|el plan|todo|tudo|merci|s il te plait|s il vous plait
    |le plan|tout|grazie|per favore|il piano|tutto|obrigado|obrigada|o plano|пожалуйста|спасибо|план|всё|все|мне|очень
    |proszę|prosze|dzięki|dzieki|tack|tak|takk|dank je|bedankt|alstublieft|lütfen|teşekkürler|谢谢|ありがとう|です|감사합니다
    |i think|i guess|super|und|y|et|e|и|i
    |it s|it is|that s|that is|this is|the|for|okay then|i m|as it is|just|pretty|so far|totally|completely|truly|quite|actually|honestly|perfectly|by me|on my side|from my side|to go|ahead|with the plan|with your plan|with it all|your|looks|do|us|man|dude|team|bot|sir|boss|friend|claude|well|oh|ah|wow|haha|lol|yay|hooray|hi|hello|hey
    |den plan|dem plan|mit dem plan|fur mich|von mir|von meiner seite|mal|ganz|total|echt|wirklich|so weit|soweit|damit|das|es|ist|ich|jetzt|und los|con el plan|con eso|el|con|para mi|por mi|es|la|esta|hombre|nomas|amigo|pour moi|le|la|c est|est|beaucoup|avec le plan|per me|questo|cosi|lo|com o plano|com isso|esse plano|para mim|por mim|o|esta|muito
    |меня|для меня|с планом|планом|этот|мой|я|это|как есть|как|ну|так|тогда|вполне|тоже|бро|дякую|будь ласка|prosze|dla mnie|z planem|bardzo|jest|wszystko|prosim|diky|dekuji|hoor|het|is|voor mij|plan is|det|er|ar|mig|kiitos|on|minulle|ediyorum|lutfen|bence|cok|evet|koszi|te rog|multumesc|planul|ευχαριστω|παρακαλω|תודה|בבקשה|من فضلك|شكرا|धन्यवाद|कृपया|terima kasih|makasih|rencananya|cam on|luon|nhe|a
    |的|了|吧|啊|呀|哦|这个|計劃|计划|这个计划|方案|谢谢你|非常|我|觉得|我觉得|請|请|辛苦了|ok|です|ます|ですよ|ね|よ|で|これで|この|計画|プラン|このプラン|この計画|どうも|요|입니다|이요|네요|계획|그|이대로|감사|고마워|ครับ|ค่ะ|คะ|นะ|เลย|ขอบคุณ|🙏|😂|😁|😉|🤗|😇|🤖|☕|🤘|✌|👋
"""
NEGATIONS = _listed("""
    no not nope nah don dont don't never none nein nicht kein keine nee niet geen non pas ne jamais nunca nao
    não нет не нельзя ні nie ej inte ikke ikkje ei hayır hayir değil nem nu όχι לא لا नहीं tidak bukan không 不
    不行 不要 いいえ 아니 아니요 ไม่ reject rejected ablehnen rechazo rechazar
""")
NO = _listed("""
    no nope nah nein nee non não nao нет ні nie ne nej nei hayır hayir nem nu όχι לא لا नहीं tidak không 不 不行
    いいえ 아니요 아니 ไม่ reject rejected disapprove 👎 ❌ 🚫 ✖
""")
NO_STRESSED = _listed("way of hell god absolutely definitely certainly course chance thanks")
"""What stands beside “no” in a refusal and adds nothing to it."""

BAD = _listed(
    "bad wrong terrible awful horrible schlecht falsch furchtbar mal malo mauvais nul male sbagliato ruim плохо ужасно неправильно źle slecht fel dåligt"
)
"""Judgment of a plan that names nothing to change."""

ASKING = _listed("is are was does did should shall would could ist sind soll")
ASKED_ABOUT = _listed("this it that the everything all we i das es der alles so")
HEDGES = _listed("guess suppose presumably supposedly")
"""What turns assent into a question or a doubt."""

PLEAS = _listed("pls please plz i it we to must should bitte por")
OF_ANOTHER = _listed("why when how who what where warum wann")
"""What stands beside “stop” in a plea of several tokens, and what begins a question about it."""

WEAK = _listed(
    "want wanted need should must how what why only too also first rather about let me you we nur zu"
)
"""Requests and questions that ask for nothing unless something else is named."""

YES_SIGNS = _listed("""
    👍 👌 ✅ ✔ ☑ 🆗 💯 🚀 🎉 🙌 👏 ❤ 🔥 🫡 🤝 🥳 😍 ✊ 💪 🤙 🟢 🏁 🚢 😊 😀 😃 😄 🙂 ☺ 😎 🤩 💚 💙 ⭐ 🌟 👊 🥂 🎊 🥰 😁 🤟 🤘 ✨ 🎯 🏆 🟩 ⬆ 🖖 😻 🧡 💜 ♥
""")
STOP_SIGNS = _listed("⛔ 🚫 ❌ 🙅 ✖")
"""Signs that may mean “stop” at a session that works."""
STOP = """
    stop|stop it|stop this|stop that|stop now|stop please|please stop|stop stop|stop stop stop|stop everything|halt|abort
    |stop the session|stop the run|stop the agent|stop work|stop working|enough|that s enough|やめて|abort it|cancel|cancel it|cancel this|kill|kill it|quit|end it|stopp|stoppen|anhalten|abbrechen|halt an|hör auf|aufhören
    |para|parar|para ya|detente|deten|detén|basta|alto|arrete|arrête|arretez|arrêtez|ferma|fermati|fermo|pare|стоп|остановись
    |останови|хватит|зупинись|zatrzymaj|sluta|stoppa|dur|durdur|停|停止|止めて|止まれ|ストップ|멈춰|중지|⏹|🛑|✋
    |stop running|kill this|kill that|terminate|terminate it|stop immediately|stop at once|stop right now|emergency stop|shut it down|shut down|shutdown|cease|exit|abort mission|end|end this|stop all|stop any work|halt it|halt now|abort now|abort this|stopping|kill switch|no stop|cancel run|stop there|stop here
    |you need to stop|you must stop|you should stop|you have to stop|we should stop|we need to stop|let s stop|let s stop here|stop right there|stop working on this|stop for today|turn it off|don t do anything else
    |arrete tout de suite|hor sofort auf|sofort aufhoren|basta cosi|para com isso|zastav to|durdur sunu
    |knock it off|cut it out|stop doing that|stop what you re doing|stop what you are doing|don t continue|do not continue|please stop what you re doing|please stop doing that|interrupt|stahp|stopt|ctrl c|ctrl + c|no no stop|no no no stop|oh no stop
    |halte|arreter|достаточно|стій|спри|спрете|stój|zatrzymaj sie|zaustavi|stani|opri|tigil|hinto|simama|bas|bas karo|बस|allj meg|정지해|תפסיק|رک|رک جاؤ|dur artik|lopeta nyt|stop na
    |hoer auf|aufhoren|aufhoeren|hor auf damit|schluss|schluss jetzt|abbruch|brich ab|brich es ab|beenden|beende es|stoppe|stopp es|halte an|nicht weiter|detener|detenlo|detenerlo|paralo|parate|para todo|cancela|cancelalo|cancelar|arrete tout|arrete ca|arrete toi|stoppe|annule|annuler|ferma tutto|fermalo|smettila|smetti|annulla|interrompi|parar|pode parar|cancele|pare tudo|interrompa
    |стой|остановить|остановите|останавливай|прекрати|прекратите|прекратить|отмена|отмени|отменить|завершай|заверши|хорош|тормози|зупини|припини|przestan|przerwij|anuluj|zatrzymac|koniec|zastav|zastavit|prestan|zrus|ophouden|hou op|stop ermee|annuleer|avbryt|stanna|avbryd|hold op|stans|lopeta|pysayta|keskeyta|yeter|iptal|iptal et|bitir|allj|allj le|allitsd le|hagyd abba|opreste|opreste te|σταματα|σταματησε|στοπ|ακυρο|עצור|תעצור|עצרי|בטל|די|מספיק|توقف|قف|أوقف|اوقف|الغ|إلغاء|كفى|بس|रुको|रुक जाओ|बंद करो|ruko|ruk jao|band karo|berhenti|hentikan|batalkan|stop dulu|setop|tumigil|itigil|dừng|dừng lại|ngừng|hủy
    |停下|停下来|停一下|别做了|不要做了|快停|马上停|停吧|取消|终止|中止|結束|结束|終了|中止して|終了して|ストップして|とめて|止めろ|やめろ|止まって|中断|멈춰줘|멈춰요|그만|그만해|정지|취소|중단|중지해|중단해|หยุด|หยุดก่อน|ยกเลิก|พอแล้ว
"""
PAUSE = """
    pause|pause it|pause this|take a break|pause the session|pause now|pause please|please pause|hold|hold on|hold it|wait|wait a bit|wait a moment|wait a minute
    |wait a sec|one moment|pausieren|pausiere|warte|warten|pausa|espera|un momento|attends|attendez|aspetta|espere
    |пауза|подожди|подождите|погоди|pauza|czekaj|vänta|paus|duraklat|bekle|暂停|等一下|一時停止|待って|잠깐|일시정지|⏸
    |pause for now|pause for a bit|pause for a moment|pause for a minute|pause a bit|hold up|hold on a sec|hold on a second|hold on a minute|hang on|hang on a sec|wait up|wait for me|one sec|one second|one minute|a moment|a minute|give me a minute|give me a sec|give me a moment|gimme a sec|gimme a minute|brb|take five|freeze|no wait|hold your horses|not so fast|stop after this|stop after this iteration|stop after this step|pause after this|pause after this iteration|pause after this step|stop when this is done|just a moment|just a minute|just a sec|sec|pausing
    |mach pause|mach mal pause|mach eine pause|warte mal|warte kurz|wart mal|warte bitte|moment|moment mal|kurz warten|einen moment|einen augenblick|augenblick|kurze pause|pausier|pausa|pausar|pausalo|espera un poco|un segundo|un minuto|une minute|un instant|une seconde|une pause|attends un peu|mets en pause|mettre en pause|patiente|aspetta un attimo|un attimo|metti in pausa|um momento|espera ai|espera um pouco|um minuto|pausa ai
    |на паузу|поставь на паузу|подожди немного|подожди минуту|подожди минутку|минутку|минуту|секунду|секундочку|погодите|постой|притормози|зачекай|почекай|poczekaj|chwila|chwileczke|wstrzymaj|pockej|cekej|pozastav|pockaj|wacht|wacht even|even wachten|pauzeer|pauzeren|pauze|tauko|стой погоди|vanta lite|vent|vent litt|vent lidt|et ojeblikk|odota|hetki|bekle biraz|bir dakika|dur bir dakika|varj|varj egy kicsit|szunet|asteapta|o clipa|περιμενε|παυση|חכה|רגע|השהה|انتظر|لحظة|مهلا|रुकिए|इंतज़ार करो|tunggu|tunggu sebentar|sebentar|jeda|chờ|chờ chút|đợi|đợi đã|đợi chút
    |等等|等一等|先等等|稍等|等会|等会儿|暂停一下|先暂停|等一会儿|先停一下|ポーズ|일시 중지|잠시 멈춰|ちょっと待って|待ってください|少々お待ちください|一時停止して|ちょっと待った|잠깐만|잠시만|잠시만요|기다려|기다려줘|잠깐 멈춰|รอก่อน|รอ|รอแป๊บ
"""
STATUS = """
    how is it going so far|how s it going so far|how far along is it|how far along are you|wie siehts aus|wie sieht s aus|ping|status|status please|state|status update|update|any update|any updates|any news|news|progress|how is it going|how s it going|hows it going
    |how is it|how far|how far are you|how far is it|what s up|whats up|what is up|what s going on|what is going on
    |what are you doing|what is it doing|where are you|where are we|are you there|are you alive|alive|still running
    |still alive|is it running|eta|done yet|is it done|is it done yet|are we there yet|stand|wie weit|wie weit bist du|wie steht es|wie läuft es|wie läuft s
    |are you done|is it finished|finished yet|how is it doing    |estado|como va|cómo va|ou en es tu|où en es tu|ça avance|ca avance|come va|a che punto sei|как дела|статус|что там
    |как там|进度|状态|どう|状況|進捗|상태|📊|❓
    |what s the status|what is the status|whats the status|current status|status report|show status|give me a status|give me a status update|give me an update|any progress|progress update|progress report|how s progress|how is progress|how s the progress|how s it coming|how is it coming|how s it coming along|how is it coming along|how are things|how are we doing|how are you doing|how are you|how s it look|how does it look|how long|how long left|how much longer|how much left|how long will it take|are you working|are you still working|are you still there|are you on it
    |still working|still there|still going|still at it|u there|you there|you alive|are you running|is it still running|is it still going|is it working|is it stuck|stuck|are you stuck|what s happening|whats happening|what is happening|what s new|what is new|whats new|what s left|what is left|anything new|what are you working on|what is it working on|what are you up to|finished|ready|is it ready|is it ready yet|what now|are you finished|have you finished|almost done|nearly done|done already|how close are we|when will it be done|when will you be done|when is it done|what s the progress|what s the eta|what s next|where is it at|stat|stats|done|are you done yet|how s it looking|on en est ou|진행|where are we at|where do we stand|how far along
    |wie steht s|wie ist der stand|was ist der stand|wie ist der status|aktueller stand|was macht er|was machst du|was machst du gerade|was macht er gerade|lauft s|lauft es|lauft es noch|lauft s noch|fertig|bist du fertig|schon fertig|gibt s was neues|gibt es was neues|gibt es neuigkeiten|was gibt s neues|wie lange noch|wie geht s voran|como vas|como va todo|que tal|que tal va|que haces|que estas haciendo|novedades|cuanto falta|hay novedades|en que vas|ya terminaste|terminaste|statut|etat|ou ca en est|ou en est on|ou en est ce|quoi de neuf|tu en es ou|ca en est ou|tu fais quoi|que fais tu|fini|c est fini|des nouvelles|stato|a che punto siamo|come procede|come sta andando|novita|ci sono novita|hai finito|finito|cosa stai facendo|novidades|como esta|como esta indo|andamento|como anda|ta pronto|terminou|falta muito|o que esta fazendo
    |как успехи|как идет|как продвигается|как прогресс|что делаешь|чем занят|что происходит|что нового|есть новости|новости|ну как|ну что|ну как там|готово|уже готово|прогресс|долго еще|сколько еще|на каком этапе|стан|як справи|що там|як успіхи|jak idzie|jak tam|co tam|jaki status|jak postep|postep|co robisz|gotowe|skonczone|stav|jak to jde|jak to vypada|hotovo|hoe gaat het|hoe ver|hoe ver ben je|hoe staat het|hur gar det|hur ligger det till|klart|hvordan gar det|miten menee|missa mennaan|durum|durum ne|nasil gidiyor|bitti mi|hogy allsz|hogy all|allapot|kesz|cum merge|stadiu|gata|πως παει|κατασταση|מה המצב|מה קורה|סטטוס|ما الحالة|الحالة|كيف الحال|كيف تسير الامور|क्या हाल है|क्या चल रहा है|kya chal raha hai|kya haal hai|gimana|sudah selesai|progres|sampai mana|tới đâu rồi|xong chưa|tiến độ|trạng thái
    |怎么样|怎么样了|进展如何|进展怎么样|进度如何|进度怎么样|到哪了|到哪一步了|好了吗|完成了吗|做完了吗|还在吗|在吗|还要多久|在做什么|現狀|どうですか|どうなった|どうなってる|進捗は|進捗どう|進捗どうですか|状況は|状況どうですか|今どう|終わった|終わりましたか|まだ|어때|어떻게 돼가|어떻게 되고 있어|어떻게 돼|진행 상황|진행상황|진행 상황은|다 됐어|끝났어|언제 끝나|สถานะ|ถึงไหนแล้ว|เสร็จยัง|เป็นไงบ้าง
"""
RESUME = """
    resume|resume it|resume please|resume now|continue|continue please|go on|carry on|keep going|unpause|proceed|resume the session|weiter|weitermachen|mach weiter|fortsetzen
    |continua|continúa|sigue|reanuda|continue por favor|continuer|reprends|reprendre|riprendi|продолжай|продолжи|дальше
    |kontynuuj|fortsätt|devam|devam et|继续|続けて|계속|▶
    |you can continue|you may continue|continue working|continue work|keep it up|keep working|keep at it|start again|restart|restart it|go|go ahead|let s go|let s continue|run|run it|play|move on|press on|get going|back to work|pick it up|pick up where you left off
    |weiter geht s|bitte weiter|weiter machen|los|los geht s|nimm es wieder auf|sigue adelante|seguir|seguí|continuar|prosigue|vas y continue|vas y|continua pure|vai avanti|prosegui|retoma|retome|pode continuar|siga|давай дальше|продолжить|продолжайте|возобнови|возобновить|поехали|kontynuuj dalej|wznow|dalej|pokracuj|pokracovat|ga verder|ga door|doorgaan|verder|fortsett|fortsat|fortsæt|ateruppta|jatka|jatka vain|folytasd|folytatas|continua|continuati|συνεχισε|המשך|תמשיך|استمر|أكمل|اكمل|تابع|जारी रखो|जारी रखें|jaari rakho|lanjut|lanjutkan|teruskan|tiếp tục|tiếp tục đi|tiếp đi
    |继续吧|请继续|接着做|繼續|続行|再開|再開して|続けてください|계속해|계속 진행|계속해줘|재개|ทำต่อ|ต่อเลย|⏯
"""
RETRY = """
    retry|retry it|try again|try it again|try once more|again|once more|one more time|retry please|please retry|nochmal
    |noch mal|noch einmal|versuch es nochmal|otra vez|intentalo de nuevo|inténtalo de nuevo|reintentar|encore|reessaie
    |réessaie|riprova|ancora|tente de novo|de novo|ещё раз|еще раз|повтори|jeszcze raz|igen|försök igen|tekrar|tekrar dene|重试|再试一次
    |もう一度|다시|다시 시도|🔁|🔄
    |try it once more|try again now|give it another try|give it another shot|give it another go|another try|another attempt|one more try|redo|redo it|rerun|re run|rerun it|run it again|run again|do it again|repeat|repeat it|have another go|retrying
    |nochmal versuchen|noch mal versuchen|noch einmal versuchen|versuch s nochmal|versuch s noch mal|versuche es nochmal|versuche es erneut|erneut versuchen|erneut|wiederholen|wiederhole|neuer versuch|intentalo otra vez|prueba otra vez|prueba de nuevo|reintenta|de nuevo|reessaye|reessayer|essaie encore|recommence|refais|riprova ancora|prova di nuovo|ritenta|di nuovo|tenta de novo|tentar novamente|tente novamente|tentar de novo|outra vez|повторить|повторите|попробуй еще раз|попробуй еще|попробуй снова|давай еще раз|снова|заново|спробуй ще раз|ще раз|sprobuj ponownie|sprobuj jeszcze raz|ponow|zkus to znovu|zkus znovu|znovu|skus znova|probeer opnieuw|probeer het opnieuw|opnieuw|nog een keer|forsok en gang till|en gang till|prov igen|prov igen|prøv igen|prøv på nytt|yrita uudelleen|uudelleen|bir daha|yeniden dene|probald ujra|ujra|incearca din nou|din nou|ξαναπροσπαθησε|παλι|שוב|נסה שוב|حاول مرة أخرى|مرة أخرى|أعد المحاولة|फिर से|फिर से कोशिश करो|phir se|coba lagi|ulangi|sekali lagi|thử lại|làm lại
    |再试|再来|重来|再来一次|重新来|重新试|重試|再試一次|もう一回|やり直し|やり直して|再試行|リトライ|再度|다시 해줘|다시 해|다시 해봐|재시도|한번 더|한 번 더|ลองใหม่|ลองอีกครั้ง|ทำใหม่|♻
"""
INTENT_FILLERS = """
    um|uh|uhm|erm|please|pls|plz|now|just|ok|okay|thanks|thank you|thx|hey|hi|hello|it|this|that|the session|this session|that session|the run|this run|the agent|the worker
    |the bot|claude|codex|samobot|omg|wtf|oh|the loop|loop|process|the job|this job|the task|this task|the process|the work|work|everything|session|run|agent|worker|job|all|immediately|right now|right away|asap|can you|could you|would you|will you
    |can you please|could you please|i said|i want you to|you can|you may|so|then|there|here|man|dude|bro|for now|a bit|for a bit|for a moment|for a while|here
    |bitte|mal|jetzt|jetzt bitte|sofort|doch|kannst du|por favor|ya|ahora|s il te plait|s il vous plait|stp|svp|maintenant|per favore|adesso|subito|agora|ja|
    |пожалуйста|сейчас|срочно|давай|ну|prosze|teraz|prosim|alsjeblieft|nu|tack|venligst|lutfen|te rog|παρακαλω|בבקשה|من فضلك|कृपया|tolong|dong|dulu|nhe|di|đi|ngay|ngay lap tuc|τωρα|עכשיו|الآن|अभी|nyt|sie|hemen|simdi|сразу|немедленно|马上|立刻|今すぐ|เดี๋ยวนี้|yaar|吧|请|快|了|一下|してください|ください|お願いします|して|해줘|해 주세요|좀|ครับ|ค่ะ
"""
DONE = """
    done|ok|okay|yes|done it|i did it|i did|did it|did that|i ve done it|i have done it|it s done|it is done|that s done|all done|finished|completed|complete|ready|all set|set|i m done|i am done
    |done now|just did|just did it|fixed|fixed it|sorted|handled|taken care of|yep|yup|yeah|✅|✔|☑|👍|👌|erledigt|fertig|gemacht|ist erledigt|hab ich gemacht|habe ich gemacht|ja|ja erledigt|listo|hecho|ya esta|ya lo hice|si|fait|c est fait|termine|oui|fatto|e fatto|si fatto|feito|pronto|ja fiz|esta feito|sim
    |готово|сделано|сделал|сделала|да|все сделал|все готово|зроблено|zrobione|gotowe|zrobilem|tak|hotovo|udelano|klaar|gedaan|klart|fardigt|gjort|ferdig|faerdig|valmis|tehty|tamam|bitti|yaptim|kesz|megvan|gata|am facut|εγινε|τελειωσε|נעשה|בוצע|سیدا|تم|انتهيت|हो गया|kar diya|ho gaya|sudah|selesai|xong|xong rồi|好了|完成|完成了|做好了|已完成|弄好了|搞定|搞定了|完了|できました|終わりました|やりました|完了しました|했어요|했습니다|완료|완료했습니다|다 했어요|เสร็จแล้ว|ทำแล้ว
"""
REQUESTS = """
    use|add|remove|drop|split|merge|rename|make|more|less|fewer|shorter|longer|smaller|bigger|simpler|faster|slower|cheaper|without|instead|too|need|needs|missing|fix|change|replace|move|put|skip|redo|rewrite|write|rework|rethink|reconsider|revise|update|improve|reduce|cut|shrink|extend|expand|explain|why|what|how|where|which|who|test|tests|docs|phase|phases|step|steps|task|tasks|wrong|bad|terrible|awful|ugly|confusing|unclear|vague|overkill|overengineered|complicated|complex|incomplete|include|exclude|forget|forgot|only|also|first|before|after|but|except|prefer|want|should|must|start over|try|send back|rather|reorder|switch|convert|different|better|trim|focus|delete|avoid|stop|break|group|order|swap|detail|details|detailed|version|python|code|file|files|error|errors|logging|log|bug|bugs
    |kurzer|langer|mehr|weniger|ohne|statt|stattdessen|aber|nur|andern|andere|zuerst|fehlt|zu|nimm|warum|schlecht|falsch|besser|corto|mas corto|mas|menos|sin|pero|solo|cambia|usa|agrega|quita|falta|mal|por que|plus|moins|court|sans|mais|change|ajoute|retire|manque|pourquoi|mauvais|piu|meno|senza|ma|cambia|aggiungi|togli|perche|curto|menor|sem|mude|adicione|tire
    |короче|длиннее|проще|без|но|только|лучше|больше|меньше|добавь|убери|измени|поменяй|переделай|исправь|используй|почему|зачем|плохо|krocej|bez|ale|zmien|dodaj|usun|dlaczego|korter|zonder|maar|kortare|utan|kisa|daha|ama|ekle|短|更|少|多|不要|但|但是|加|改|去掉|太|为什么|短く|もっと|でも|追加|変更|なぜ|더|짧게|하지만|추가|왜
"""
GREETINGS = """
    hi|hello|hey|hello there|hi there|hey there|hiya|howdy|yo|good morning|good afternoon|good evening|morning|greetings
    |hi bot|hello bot|hey bot|hi samobot|hello samobot|sup|help|help me|help please|what can you do|what can i do
    |what can you do for me|how does this work|how does it work|how do you work|how do i use this|how do i use you|who are you|what are you|what is this|test|testing|ping|start
    |begin|how do i start|how to start|what now|commands|menu|hallo|moin|servus|guten tag|guten morgen|hilfe|hola|buenas|buenos dias
    |buenos días|ayuda|bonjour|salut|coucou|aide|ciao|salve|buongiorno|aiuto|olá|ola|oi|ajuda|привет|здравствуйте|здравствуй
    |помощь|помоги|cześć|czesc|hej|dzień dobry|pomoc|hoi|merhaba|selam|yardım|你好|您好|嗨|こんにちは|안녕|안녕하세요|👋|🙋|😀|🙂|❓
"""
MONEY_LEAD = _listed("""
    top extend d
    new you may i d say think try do lets sure fine alright continue and session total us usd no than most
    lower reduce decrease das den mach setz setze stell gib ihm monte passe mets le porta portalo alza altri
    mettilo el presupuesto pon ponlo dale aumente o orçamento para увеличь увеличить поставь сделай давай
    пусть будет лимит добавь podnieś zwiększ jeszcze verhoog naar höj till 加到 提高到 增加到 再加 加 预算 👍 💰 ✅ 👌 💵 💸
    pls plz thx
    raise raised increase set make bump up lift put it that this the budget limit cap max maximum to at by add
    give allow more use spend is be please ok okay yes let ’s s of a another an extra with for now then go
    higher can have let's let’s du ja auf um bis erhöhe erhöh mehr noch noch’n weitere sube subelo súbelo
    hasta más mas otros augmente à jusqu encore plus подними до ещё еще на бюджет да aumenta fino ancora ate
    até mais sim si sí oui
""")
MONEY_TAIL = _listed("""
    pls plz thx
    enough good it's and continue go ahead resume carry keep going dollars dollar usd limit budget erhöhen
    draus reicht weiter und por favor больше хватит пожалуйста więcej 吧 👍 💰 ✅ 👌 💵 💸 🙏 more please then now
    extra additional is fine ok okay thanks should be do total in max maximum altogether top on mehr más mas
    de plus ещё еще di più mais bitte danke for it this session today
""")
LOWERS = frozenset({"lower", "reduce", "decrease"})
ADDS = _listed("""
    top altri jeszcze больше добавь więcej 再加 加 more add another extra additional by further encore mehr noch
    um weitere más mas otros plus ещё еще ancora mais
""")
