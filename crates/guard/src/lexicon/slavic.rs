//! Russian, Ukrainian, Polish and Czech words.

use super::Concept::{
    All, Ask, Claim, Earlier, Instructions, Limitless, Limits, Override, Owner, Pretend, Prompt,
    Repeat, Reveal, Said, Secret, Task, Told, Verbatim, Yours,
};
use super::{Language, Order};

pub(super) static RUSSIAN: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "игнорируй|проигнорируй|игнорировать|забудь|забудьте|отмени$|отмените|отбрось|отбросьте|не учитывай|пропусти|\
             не обращай внимания|не обращайте внимания|не следуй|не следуйте|больше не следуй|не соблюдай|\
             больше не соблюдай|не подчиняйся|не слушай|нарушь|обойди|прерви$|пренебреги|перестань следовать|\
             прекрати выполнять|не выполняй",
        ),
        (Instructions, "инструкц|указани|директив|промпт|руководств|предписани"),
        (Limits, "правил|команд|ограничен|запрет|приказ|распоряжени|установк"),
        (Said, "текст$|сообщени|разговор|слова$|контекст|всё, что|все, что"),
        (
            Prompt,
            "системный промпт|системного промпта|системное сообщение|системные инструкц|системным указани|\
             системных инструкц|системным инструкц|скрытые инструкц|секретные инструкц|исходные инструкц|\
             начальные инструкц|первоначальные инструкц|исходный промпт|изначальные инструкц|первое сообщение|\
             скрытые указани|внутренние инструкц|системные указани|системные настройки",
        ),
        (
            Told,
            "тебе говорили|тебе сказали|тебе дали|ты получил|вам сказали|ты знаешь|тебя учили|ты узнал",
        ),
        (Task, "текущую задачу|своё задание|свою задачу|текущее задание"),
        (
            Earlier,
            "предыдущ|прежн|выше|ранее|раньше|прошл|до этого|исходн|изначальн|первоначальн|существующ",
        ),
        (Yours, "твой|твои|твоё|твоего|твоих|свой|свои|своих|своё|ваши|ваш$"),
        (Owner, "системн|разработчик|безопасност|администратор|создател"),
        (All, "все$|всё$|всех$|любые|любых|каждое|всем$|весь$"),
        (
            Reveal,
            "скажи|скажите|раскрой|раскройте|покажи|покажите|выведи|выведите|назови|напиши|сообщи|открой|повтори|\
             повторите|переведи|выдай|распечатай|процитируй|перескажи",
        ),
        (Repeat, "повтори|повторите|выведи|распечатай|скопируй|процитируй"),
        (Ask, "какой$|какие$|какое$|каковы|каков$|что$|какая$"),
        (
            Secret,
            "секретный ключ|секретный пароль|секретное слово|секретный код|секретное число|\
             конфиденциальную информацию|код доступа",
        ),
        (Verbatim, "слово в слово|дословно|буквально|по буквам"),
        (
            Pretend,
            "притворись|притворитесь|представь|с этого момента|отныне|теперь ты|сыграй|веди себя|действуй как|\
             изображай|ты больше не|отвечай как|вообрази",
        ),
        (
            Limitless,
            "без ограничени|без всяких ограничени|без каких-либо ограничени|без фильтр|без правил|без цензур|\
             никогда не отказ|нет ограничени|нет никаких ограничени|нет правил|без морал|без этик|неограничен|злой|\
             злого",
        ),
        (
            Claim,
            "новые инструкции:|новая инструкция:|конец инструкций|режим разработчика включ|режим отладки включ|\
             ты сейчас в режиме обслуживания|ограничения больше не действуют",
        ),
    ],
};

pub(super) static UKRAINIAN: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ігноруй|проігноруй|ігноруйте|забудь|забудьте|не зважай|не зважайте|відкинь|скасуй|не дотримуйся|не виконуй|\
             не слідуй|пропусти|знехтуй|обійди|більше не дотримуйся",
        ),
        (Instructions, "інструкц|вказівк|настанов|директив|промпт"),
        (Limits, "правил|команд|обмежен|заборон|наказ|розпоряджен"),
        (Said, "текст$|повідомлен|розмов|слова$|контекст|усе, що"),
        (
            Prompt,
            "системний промпт|системного промпту|системне повідомлення|системні інструкц|приховані інструкц|\
             секретні інструкц|початкові інструкц|початковий промпт|системні вказівк",
        ),
        (Told, "тобі казали|тобі сказали|тобі дали|ти отримав|ви отримали"),
        (Earlier, "попередн|вище|раніше|минул|колишн|до цього|початков"),
        (Yours, "твій|твої|твоїх|свої|своїх|ваші|свій"),
        (Owner, "системн|розробник|безпек|адміністратор"),
        (All, "усі$|всі$|усе$|все$|будь-які|кожн|весь$|увесь$"),
        (Reveal, "скажи|розкрий|покажи|виведи|назви|напиши|повідом|повтори|переклади"),
        (Repeat, "повтори|виведи|скопіюй|процитуй"),
        (Ask, "який$|які$|яке$|що$"),
        (Secret, "секретний ключ|секретний пароль|таємне слово|секретне слово|код доступу"),
        (Verbatim, "слово в слово|дослівно|по літерах"),
        (
            Pretend,
            "прикинься|удавай|уяви|відтепер|з цього моменту|тепер ти|зіграй|поводься|дій як|ти більше не",
        ),
        (
            Limitless,
            "без обмежен|без фільтр|без правил|без цензур|ніколи не відмовля|немає обмежен|без моралі|без етики",
        ),
        (Claim, "нові інструкції:|нова інструкція:|кінець інструкцій|режим розробника увімкн"),
    ],
};

pub(super) static POLISH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "zignoruj|ignoruj|ignorujcie|zapomnij|zapomnijcie|pomiń|odrzuć|nie stosuj|nie zwracaj uwagi|nie przestrzegaj|\
             przestań przestrzegać|nie słuchaj|anuluj|omiń|obejdź|złam|porzuć|przerwij|nie wykonuj|unieważnij|\
             nie bierz pod uwagę",
        ),
        (Instructions, "instrukcj|wytyczn|wskazówk|dyrektyw|prompt"),
        (Limits, "zasad|polece|rozkaz|ogranicze|reguł|komend|zakaz"),
        (Said, "tekst|wiadomoś|rozmow|słowa$|kontekst|wszystko, co"),
        (
            Prompt,
            "prompt systemow|promptu systemow|systemowy prompt|instrukcji systemow|instrukcje systemow|\
             komunikat systemow|wiadomość systemow|ukryte instrukcj|tajne instrukcj|początkowe instrukcj|\
             pierwotne instrukcj|pierwszą wiadomość|wewnętrzne instrukcj|ukryty prompt",
        ),
        (Told, "ci powiedziano|ci wcześniej powiedziano|dostałeś|otrzymałeś|ci dano|ci przekazano"),
        (Task, "bieżące zadanie|swoje zadanie|obecne zadanie|aktualne zadanie"),
        (Earlier, "poprzedni|wcześniej|powyż|dotychczas|dawn|pierwotn|początkow|istniejąc|obecn"),
        (Yours, "twoj|twój|swoj|swój|wasz"),
        (Owner, "systemow|programist|twórc|bezpieczeńst|administrator"),
        (All, "wszystki|wszelk|każd|cały$|całą|wszystko"),
        (
            Reveal,
            "powiedz|ujawnij|pokaż|wypisz|podaj|napisz|zdradź|wyświetl|powtórz|przetłumacz|streść|wydrukuj",
        ),
        (Repeat, "powtórz|wypisz|wydrukuj|skopiuj|zacytuj"),
        (Ask, "jaki$|jakie$|jaka$|co$|które$"),
        (Secret, "tajny klucz|tajne hasło|tajne słowo|tajny kod|poufne informacje|kod dostępu"),
        (Verbatim, "słowo w słowo|dosłownie|litera po literze|co do słowa"),
        (
            Pretend,
            "udawaj|zagraj|zachowuj się|od teraz|od tej chwili|wyobraź|wciel się|jesteś teraz|teraz jesteś|działaj jako|\
             nie jesteś już|odpowiadaj jako",
        ),
        (
            Limitless,
            "bez ogranicze|bez żadnych ogranicze|bez filtr|bez zasad|bez cenzur|nigdy nie odmawia|nie masz ogranicze|\
             nie masz żadnych|bez moralności|bez etyki|nieograniczon|niecenzurowan",
        ),
        (
            Claim,
            "nowe instrukcje:|nowa instrukcja:|koniec instrukcji|tryb debugowania jest włącz|tryb dewelopera|\
             jesteś teraz w trybie konserwacji",
        ),
    ],
};

pub(super) static CZECH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignoruj|ignorujte|zapomeň|zapomeňte|nedbej|neřiď se|neřiďte se|nenásleduj|přestaň dodržovat|nedodržuj|\
             přeskoč|zruš$|pomiň|zahoď|obejdi|neber v úvahu",
        ),
        (Instructions, "instrukc|pokyn|směrnic|direktiv|prompt"),
        (Limits, "pravid|příkaz|omezen|zákaz|nařízen"),
        (Said, "text$|zpráv|konverzac|slova$|kontext"),
        (
            Prompt,
            "systémový prompt|systémové instrukc|systémových instrukc|systémové pokyn|systémových pokyn|\
             systémovou zpráv|skryté instrukc|skryté pokyn|tajné instrukc|původní instrukc|původní pokyn|\
             počáteční instrukc",
        ),
        (Told, "ti bylo řečeno|ti řekli|jsi dostal|jste dostal"),
        (Earlier, "předchozí|předešl|výše|dřívějš|dosavadn|původn"),
        (Yours, "tvé$|tvoje|tvých|svoje|své$|svých|vaše"),
        (Owner, "systémov|vývojář|bezpečnostn|administrátor"),
        (All, "všechn|veškeré|veškerá|každ|jakékoli|celý$"),
        (Reveal, "řekni|ukaž|prozraď|vypiš|zobraz|napiš|sděl|zopakuj|přelož"),
        (Repeat, "zopakuj|opakuj|vypiš|zkopíruj"),
        (Ask, "jaké$|jaký$|co$|které$"),
        (Secret, "tajný klíč|tajné heslo|tajné slovo|tajný kód"),
        (Verbatim, "slovo od slova|doslova|doslovně"),
        (Pretend, "předstírej|od teď|od nynějška|představ si|hraj roli|chovej se|nyní jsi|teď jsi"),
        (
            Limitless,
            "bez omezen|bez filtr|bez pravidel|bez cenzur|nikdy neodmít|nemáš žádná omezen",
        ),
        (Claim, "nové instrukce:|nové pokyny:|konec instrukcí|konec pokynů"),
    ],
};
