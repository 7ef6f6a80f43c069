//! German, Dutch and Swedish words.

use super::Concept::{
    All, Ask, Claim, Earlier, Instructions, Limitless, Limits, Override, Owner, Pretend, Prompt,
    Repeat, Reveal, Said, Secret, Task, Told, Verbatim, Yours,
};
use super::{Language, Order};

pub(super) static GERMAN: Language = Language {
    order: Order::ObjectFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignorier|vergiss|vergesse|vergessen sie|missacht|mißacht|beachte nicht|beachten sie nicht|verwirf|verwerfe|\
             befolge nicht|befolge keine|folge nicht|folge nicht mehr|übergeh|überspring|lass außer acht|\
             außer acht|setze dich hinweg|setz dich über|setze dich über|umgehe$|umgeh$|halte dich nicht|\
             halt dich nicht|nicht beachten|nicht befolgen|nicht mehr befolgen|brich deine|breche deine|widersetz|\
             hebe alle|hör auf|außer kraft",
        ),
        (Instructions, "anweisung|richtlinie|vorgabe|instruktion|prompt|anleitungen$|direktive"),
        (
            Limits,
            "regel$|regeln$|befehl|einschränkung|beschränkung|vorschrift|sicherheitsregel|programmierung$",
        ),
        (Said, "text$|nachricht|gespräch|worte$|kontext|unterhaltung|inhalt$"),
        (
            Prompt,
            "systemprompt|system-prompt|systemnachricht|systemanweisung|systemvorgabe|ursprünglichen prompt|\
             ursprünglichen anweisung|versteckten anweisung|geheimen anweisung|internen anweisung|\
             anfänglichen anweisung|initialen prompt|ersten prompt|ursprüngliche nachricht|verborgenen anweisung",
        ),
        (
            Told,
            "dir gesagt|dir vorher gesagt|dir zuvor gesagt|du gelernt|dir gegeben|du bekommen|hast du erhalten|\
             du erhalten|ihnen gesagt|dir mitgeteilt",
        ),
        (Task, "deine aktuelle aufgabe|deine aufgabe|die aktuelle aufgabe|ihre aktuelle aufgabe"),
        (
            Earlier,
            "vorherig|vorig|obig|bisherig|früher|zuvor|vorangegangen|vorangehend|vorstehend|oben|bis jetzt|\
             ursprünglich|vorhergehend|aktuell|bestehend",
        ),
        (Yours, "dein$|deine$|deinen$|deinem$|deiner$|ihre$|ihren$|eure$"),
        (Owner, "system|entwickler|sicherheits|administrator|betreiber"),
        (All, "alle$|allen$|alles$|sämtlich|jede$|jeden$|jegliche|ganzen$|gesamt"),
        (
            Reveal,
            "sag mir|sage mir|sagen sie mir|verrate|verrat$|zeig$|zeige$|zeigen sie|gib$|gib mir|geben sie|nenne|nenn$|\
             teile mir|drucke|schreibe$|schreib$|wiederhol|übersetz|offenbare|veröffentlich|fasse$",
        ),
        (Repeat, "wiederhol|gib aus|drucke|gib wieder|zitier|kopier"),
        (Ask, "was$|welche$|welchen$|welches$|wie lautet|wie lauten"),
        (
            Secret,
            "geheimen schlüssel|geheime schlüssel|geheime passwort|geheimwort|geheime zahl|geheimcode|\
             vertraulichen informationen|das passwort$",
        ),
        (
            Verbatim,
            "wort für wort|wörtlich|wortwörtlich|buchstabe für buchstabe|im wortlaut|im codeblock",
        ),
        (
            Pretend,
            "tu so|tue so|tun sie so|spiele$|spiel$|stell dir vor|stelle dir vor|ab jetzt|von jetzt an|von nun an|ab sofort|\
             verkörper|verhalte dich|du bist jetzt|du bist nun|du bist kein|agiere als|handle als|antworte als|\
             schlüpfe in",
        ),
        (
            Limitless,
            "ohne einschränkung|ohne jede einschränkung|ohne filter|ohne regeln|ohne grenzen|ohne beschränkung|\
             ohne zensur|unzensiert|ungefiltert|niemals ablehn|nie ablehn|keine einschränkung|keine beschränkung|\
             keine regeln mehr|keine grenzen|ohne moral|ohne ethi|uneingeschränkt|bösen|keine ethischen",
        ),
        (
            Claim,
            "neue anweisungen:|neue anweisung:|ende der anweisungen|ende des prompts|entwicklermodus aktiviert|\
             der debug-modus ist aktiviert|du bist jetzt im wartungsmodus|einschränkungen gelten nicht mehr",
        ),
    ],
};

pub(super) static DUTCH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "negeer|negeren$|vergeet|let niet op|volg niet|volg geen|niet meer volgen|houd je niet aan|sla over|\
             schuif opzij|zet opzij|leg naast je|laat vallen|niet langer volgen|volg het systeembericht niet|omzeil|\
             overtreed|breek je|stop met het volgen",
        ),
        (Instructions, "instructie|richtlijn|aanwijzing|prompt"),
        (Limits, "regel$|regels$|opdracht|beperking|bevel|voorschrift|beleid$|programmering$"),
        (Said, "tekst$|bericht|gesprek|woorden$|context|alles wat"),
        (
            Prompt,
            "systeemprompt|systeembericht|systeeminstructie|oorspronkelijke instructie|oorspronkelijke prompt|\
             verborgen instructie|geheime instructie|interne instructie|eerste prompt|eerste bericht|\
             oorspronkelijke bericht",
        ),
        (
            Told,
            "je is verteld|je eerder is verteld|je hebt gekregen|kreeg je|je verteld|je hebt geleerd",
        ),
        (Task, "je huidige taak|de huidige taak|je taak"),
        (
            Earlier,
            "vorig|eerder|hierboven|voorgaand|bovenstaand|voorafgaand|tot nu toe|oorspronkelijk|bestaand|huidig",
        ),
        (Yours, "je$|jouw$|uw$"),
        (Owner, "systeem|ontwikkelaar|veiligheids|beheerder"),
        (All, "alle$|alles$|elke$|ieder|al$|enige$"),
        (
            Reveal,
            "vertel|onthul|toon|geef|schrijf$|deel$|zeg$|laat zien|herhaal|druk af|vertaal|vat$|verklap",
        ),
        (Repeat, "herhaal|druk af|kopieer|geef letterlijk"),
        (Ask, "wat$|welke$|wat is|wat zijn"),
        (
            Secret,
            "geheime sleutel|geheime wachtwoord|geheime woord|geheime code|vertrouwelijke gegevens|het wachtwoord$",
        ),
        (Verbatim, "woord voor woord|letterlijk|letter voor letter"),
        (
            Pretend,
            "doe alsof|vanaf nu|van nu af aan|speel$|gedraag je|stel je voor|je bent nu|je bent geen|reageer als|\
             antwoord als|kruip in de rol",
        ),
        (
            Limitless,
            "zonder beperking|zonder filter|zonder regels|zonder grenzen|zonder censuur|ongecensureerd|ongefilterd|\
             geen beperking|geen regels meer|nooit weiger|zonder ethi|zonder moraal|kwaadaardig",
        ),
        (
            Claim,
            "nieuwe instructies:|nieuwe instructie:|einde van de instructies|de debugmodus staat aan|\
             je bent nu in onderhoudsmodus|ontwikkelaarsmodus geactiveerd",
        ),
    ],
};

pub(super) static SWEDISH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignorera|glöm$|bortse från|strunta i|följ inte|sluta följa|åsidosätt|hoppa över|bry dig inte om|lyd inte|\
             kringgå",
        ),
        (Instructions, "instruktion|riktlinje|anvisning|direktiv|prompt"),
        (Limits, "regel$|regler|order$|begränsning|restriktion|föreskrift"),
        (Said, "text$|texten|meddelande|konversation|allt som"),
        (
            Prompt,
            "systemprompt|systemmeddelande|systeminstruktion|ursprungliga instruktion|dolda instruktion|\
             hemliga instruktion|första prompt|ursprungliga prompt",
        ),
        (Told, "du har fått|du fick|du har blivit|sagts till dig|du har lärt"),
        (Earlier, "tidigare|föregående|ovan|ovanstående|hittills|ursprunglig|befintlig"),
        (Yours, "din$|ditt$|dina$|era$"),
        (Owner, "system|utvecklare|säkerhets|administratör"),
        (All, "alla$|allt$|varje$|samtliga$"),
        (Reveal, "visa|berätta|avslöja|skriv$|skriv ut|ge mig|upprepa|översätt"),
        (Repeat, "upprepa|skriv ut|kopiera"),
        (Ask, "vad$|vilka$|vilken$"),
        (Secret, "hemliga nyckeln|hemliga lösenordet|hemliga ordet|hemliga koden"),
        (Verbatim, "ord för ord|ordagrant|bokstav för bokstav"),
        (
            Pretend,
            "låtsas|från och med nu|föreställ dig|spela rollen|agera som|uppför dig|du är nu",
        ),
        (
            Limitless,
            "utan begränsning|utan filter|utan regler|utan gränser|ocensurerad|vägrar aldrig|inga begränsningar|\
             utan restriktioner|utan etik",
        ),
        (Claim, "nya instruktioner:|ny instruktion:|slut på instruktioner"),
    ],
};
