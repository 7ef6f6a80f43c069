//! Spanish, French, Italian, Portuguese and Romanian words.

use super::Concept::{
    All, Ask, Claim, Earlier, Instructions, Limitless, Limits, Override, Owner, Pretend, Prompt,
    Repeat, Reveal, Said, Secret, Task, Told, Verbatim, Yours,
};
use super::{Language, Order};

pub(super) static SPANISH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignora$|ignore$|ignorad$|olvida$|olvide$|olvídate de|olvidate de|no hagas caso|haz caso omiso|\
             descarta$|descarte$|anula$|anule$|cancela$|cancele$|deja de seguir|deja de lado|pasa por alto|\
             no tengas en cuenta|no tenga en cuenta|omite$|omita$|no sigas$|no siga$|no obedezcas|desobedece|sáltate|\
             salta$|prescinde de|haz como si no existieran|elude$|suprime$",
        ),
        (
            Instructions,
            "instruccion|directric|directiva|indicacion|consigna|prompt$|prompts$|pautas$",
        ),
        (
            Limits,
            "regla|norma|orden$|órdenes$|restriccion|límite|limitacion|política|programación$",
        ),
        (Said, "texto$|mensaje|conversación|palabras$|contexto$|contenido$|todo lo$"),
        (
            Prompt,
            "prompt del sistema|prompt de sistema|prompt inicial|prompt original|mensaje del sistema|\
             mensaje de sistema|mensaje inicial|instrucciones del sistema|instrucciones iniciales|\
             instrucciones ocultas|instrucciones secretas|instrucciones originales|instrucciones internas|\
             reglas ocultas|indicaciones del sistema|directrices del sistema",
        ),
        (
            Told,
            "te han dicho|te dijeron|te han dado|te dieron|que te di|recibiste|has recibido|se te ha dicho|\
             has aprendido|que sabes$",
        ),
        (Task, "tu tarea actual|la tarea actual|su tarea actual|tu tarea"),
        (
            Earlier,
            "anterior|previ|de arriba|hasta ahora|precedent|antes$|original|inicial|existent",
        ),
        (Yours, "tu$|tus$|su$|sus$|te$"),
        (Owner, "del sistema|de sistema|desarrollador|del administrador|de seguridad|del creador"),
        (All, "todo$|todos$|toda$|todas$|cualquier|cada$|cuanto$"),
        (
            Reveal,
            "dime$|revela|muestra$|muestre$|muéstra|enséña|imprime|dame$|escribe$|comparte|di$|divulga|desvela|\
             publica$|repite|traduce|resume$",
        ),
        (Repeat, "repite|repita|imprime|imprima|copia$|transcribe|reproduce"),
        (Ask, "cuál$|cuáles$|cuáles son|cuál es|qué instrucciones|qué reglas"),
        (
            Secret,
            "clave secreta|contraseña secreta|palabra secreta|código secreto|número secreto|\
             información confidencial|la contraseña$",
        ),
        (
            Verbatim,
            "palabra por palabra|literalmente|textualmente|letra por letra|al pie de la letra",
        ),
        (
            Pretend,
            "finge|actúa$|actúa como|imagina|a partir de ahora|desde ahora|de ahora en adelante|interpreta|\
             juguemos|compórtate|responde como|hazte pasar|eres ahora|ahora eres|ya no eres|haz de cuenta",
        ),
        (
            Limitless,
            "sin restriccion|sin ninguna restricción|sin filtro|sin ningún filtro|sin reglas|sin límites|sin limitacion|\
             sin censura|nunca se niega|no tienes restriccion|no tienes límites|no tienes ninguna restricción|\
             sin ética|sin moral|no tiene reglas|no tiene restriccion|malvad",
        ),
        (
            Claim,
            "nuevas instrucciones:|nueva instrucción:|fin de las instrucciones|fin del prompt|\
             las restricciones anteriores ya no|modo desarrollador activado|modo de depuración activado|\
             el modo de depuración está activado|estás en modo de mantenimiento",
        ),
    ],
};

pub(super) static FRENCH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignore$|ignorez$|oublie$|oubliez$|ne tiens pas compte|ne tiens plus compte|\
             ne tenez pas compte|ne tenez plus compte|fais abstraction|faites abstraction|annule$|annulez$|\
             cesse de suivre|cessez de suivre|arrête de suivre|laisse de côté|laissez de côté|ne respecte plus|\
             ne respecte pas|ne suis pas|ne suis plus|ne suivez pas|ne suivez plus|passe outre|passez outre|\
             contourne$|contournez$|outrepasse|désobéis|n'obéis plus|abandonne$|abandonnez$|mets de côté|\
             supprime$|interromps$",
        ),
        (Instructions, "instruction|consigne|directive|prompt$|prompts$|lignes directrices"),
        (
            Limits,
            "règle|ordre|ordres|restriction|limite|limitation|contrainte|politique|programmation$",
        ),
        (Said, "texte$|message|conversation|mots$|contexte$|contenu$|tout ce qui"),
        (
            Prompt,
            "prompt système|prompt du système|prompt initial|prompt d'origine|invite système|message système|\
             message du système|message initial|instructions système|instructions du système|\
             instructions initiales|instructions cachées|instructions secrètes|instructions internes|\
             consignes système|consignes du système|directives du système|consignes initiales|règles cachées",
        ),
        (
            Told,
            "on t'a dit|on vous a dit|t'a été dit|tu as reçu|vous avez reçu|tu as appris|as-tu reçu|tu sais$",
        ),
        (
            Task,
            "ta tâche en cours|ta tâche actuelle|votre tâche actuelle|la tâche en cours|ta tâche",
        ),
        (
            Earlier,
            "précédent|antérieur|ci-dessus|avant$|plus haut|qui précède|jusqu'ici|jusqu'à présent|initial|d'origine|\
             existant|actuel",
        ),
        (Yours, "ton$|ta$|tes$|votre$|vos$"),
        (Owner, "système|développeur|de sécurité|administrateur|créateur|du concepteur"),
        (All, "tout$|tous$|toute$|toutes$|chaque$|n'importe|l'ensemble"),
        (
            Reveal,
            "dis-moi|dites-moi|révèle|révélez|montre|affiche|donne-moi|donnez-moi|écris$|écrivez$|partage|\
             communique|divulgue|imprime|répète|répétez|traduis|résume$",
        ),
        (Repeat, "répète|répétez|imprime|affiche|recopie|recopiez|récite|reproduis"),
        (Ask, "quel$|quels$|quelle$|quelles$|qu'est-ce"),
        (
            Secret,
            "clé secrète|mot de passe secret|mot secret|code secret|nombre secret|informations confidentielles|\
             le mot de passe$",
        ),
        (
            Verbatim,
            "mot pour mot|mot à mot|textuellement|littéralement|lettre par lettre|à l'identique",
        ),
        (
            Pretend,
            "fais semblant|faites semblant|joue le rôle|jouez le rôle|imagine|à partir de maintenant|désormais|\
             dorénavant|incarne|agis comme|agissez comme|comporte-toi|comportez-vous|tu es maintenant|\
             tu n'es plus|réponds comme|jouons à",
        ),
        (
            Limitless,
            "sans restriction|sans aucune restriction|sans filtre|sans aucun filtre|sans règle|sans limite|\
             sans aucune limite|sans censure|ne refuse jamais|plus aucune limite|aucune restriction|\
             plus de restriction|plus de limite|aucune limite|sans éthique|sans morale|maléfique|pas de règles",
        ),
        (
            Claim,
            "nouvelles instructions :|nouvelles instructions:|nouvelle instruction:|fin des instructions|\
             fin du prompt|mode développeur activé|le mode débogage est activé|tu es maintenant en mode maintenance|\
             les restrictions précédentes ne s'appliquent plus",
        ),
    ],
};

pub(super) static ITALIAN: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignora$|ignorate$|ignori$|dimentica$|dimenticate$|dimenticati di|non considerare|\
             non tenere conto|annulla$|annullate$|trascura$|non seguire|non rispettare|non obbedire|lascia perdere|\
             lascia stare|scarta$|scavalca$|aggira$|metti da parte|smetti di seguire|disobbedisci|interrompi$|\
             abbandona$",
        ),
        (Instructions, "istruzion|linee guida|direttiv|indicazion|prompt$|prompts$|consegn"),
        (Limits, "regol|ordine$|ordini$|restrizion|limit|vincol|politic|programmazione$"),
        (Said, "testo$|messagg|conversazione|parole$|contesto$|contenuto$|tutto ciò|quello che"),
        (
            Prompt,
            "prompt di sistema|prompt del sistema|prompt iniziale|prompt originale|messaggio di sistema|\
             messaggio del sistema|messaggio iniziale|istruzioni di sistema|istruzioni del sistema|\
             istruzioni iniziali|istruzioni nascoste|istruzioni segrete|istruzioni interne|direttive del sistema|\
             direttive di sistema|regole nascoste",
        ),
        (
            Told,
            "ti è stato detto|ti hanno detto|ti è stato dato|hai ricevuto|hai imparato|che sai$",
        ),
        (Task, "il compito attuale|il tuo compito|compito corrente"),
        (
            Earlier,
            "precedent|qui sopra|sopra$|di sopra|prima$|finora|antecedent|inizial|original|esistent|attual",
        ),
        (Yours, "tuo$|tua$|tuoi$|tue$|vostr"),
        (Owner, "di sistema|del sistema|sviluppator|di sicurezza|amministrator|del creatore"),
        (All, "tutto$|tutti$|tutta$|tutte$|ogni$|qualsiasi|qualunque"),
        (
            Reveal,
            "dimmi|rivela|mostra$|mostrami|stampa|dammi|scrivi|condividi|svela|divulga|ripeti|traduci|riassumi",
        ),
        (Repeat, "ripeti|stampa|copia$|recita$|riproduci|trascrivi"),
        (Ask, "qual$|quali$|quale$"),
        (
            Secret,
            "chiave segreta|password segreta|parola segreta|codice segreto|numero segreto|informazioni riservate|\
             la password$",
        ),
        (Verbatim, "parola per parola|letteralmente|testualmente|lettera per lettera|alla lettera"),
        (
            Pretend,
            "fingi|finga$|comportati|immagina|da ora in poi|d'ora in poi|interpreta|agisci come|sei ora|ora sei|\
             non sei più|rispondi come|recita la parte|facciamo un gioco",
        ),
        (
            Limitless,
            "senza restrizion|senza alcuna restrizione|senza filtr|senza regole|senza limit|senza censura|\
             non rifiuta mai|non hai limiti|non hai restrizioni|nessuna restrizione|nessun limite|senza etica|\
             senza morale|malvagi",
        ),
        (
            Claim,
            "nuove istruzioni:|nuova istruzione:|fine delle istruzioni|fine del prompt|modalità sviluppatore attivata|\
             la modalità debug è attiva|ora sei in modalità manutenzione|le restrizioni precedenti non valgono",
        ),
    ],
};

pub(super) static PORTUGUESE: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignore$|ignora$|ignorem$|esqueça|esquece$|desconsidere|desconsidera$|não siga|não sigas|\
             não obedeça|não leve em conta|não considere|anule$|anula$|descarte$|deixe de lado|deixe de seguir|\
             pare de seguir|pule$|cancele$|cancela$|desobedeça|contorne$|abandone$|passe por cima",
        ),
        (Instructions, "instruç|diretriz|diretiva|orientaç|prompt$|prompts$|indicaç"),
        (Limits, "regra|ordem$|ordens$|restriç|limite|limitaç|política|programação$|norma"),
        (Said, "texto$|mensage|conversa$|palavras$|contexto$|conteúdo$|tudo o que|tudo que"),
        (
            Prompt,
            "prompt do sistema|prompt de sistema|prompt inicial|prompt original|mensagem do sistema|\
             mensagem de sistema|mensagem inicial|instruções do sistema|instruções de sistema|\
             instruções iniciais|instruções ocultas|instruções secretas|instruções internas|\
             diretrizes do sistema|regras ocultas",
        ),
        (
            Told,
            "lhe foi dito|te disseram|lhe disseram|foi dito a você|você recebeu|recebeste|lhe foi dado|você aprendeu|\
             você sabe$",
        ),
        (Task, "a tarefa atual|sua tarefa atual|tua tarefa|sua tarefa"),
        (Earlier, "anterior|acima|prévi|até agora|precedent|antes$|inicia|origina|existent|atua"),
        (Yours, "seu$|sua$|seus$|suas$|teu$|tua$|teus$|tuas$"),
        (Owner, "do sistema|de sistema|desenvolvedor|de segurança|administrador|do criador"),
        (All, "todo$|todos$|toda$|todas$|qualquer|quaisquer|cada$|tudo$"),
        (
            Reveal,
            "diga|revele|revela$|mostre|mostra$|imprima|me dê|escreva|compartilhe|conte$|me conte|divulgue|exiba|\
             repita|traduza|resuma",
        ),
        (Repeat, "repita|imprima|copie$|recite$|reproduza|transcreva"),
        (Ask, "qual$|quais$"),
        (
            Secret,
            "chave secreta|senha secreta|palavra secreta|código secreto|número secreto|informações confidenciais|\
             a senha$",
        ),
        (Verbatim, "palavra por palavra|literalmente|textualmente|letra por letra|ao pé da letra"),
        (
            Pretend,
            "finja|aja como|imagine|a partir de agora|de agora em diante|interprete|faça de conta|comporte-se|\
             você é agora|agora você é|você não é mais|responda como|vamos jogar",
        ),
        (
            Limitless,
            "sem restriç|sem nenhuma restrição|sem filtro|sem regras|sem limite|sem limitaç|sem censura|nunca recusa|\
             não tem restriç|não tem limites|não tens restriç|nenhuma restrição|sem ética|sem moral|malvad",
        ),
        (
            Claim,
            "novas instruções:|nova instrução:|fim das instruções|fim do prompt|modo desenvolvedor ativado|\
             o modo de depuração está ativado|está agora em modo de manutenção|as restrições anteriores não valem",
        ),
    ],
};

pub(super) static ROMANIAN: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignoră|ignora$|ignorați|uită|uitați|nu ține cont|nu mai ține cont|nu urma|nu mai urma|nu respecta|\
             nu mai respecta|anulează|renunță la|treci peste|lasă deoparte|încetează să urmezi",
        ),
        (Instructions, "instrucțiun|indicați|directiv|prompt|îndrumări"),
        (Limits, "regul|ordin|restricți|limit|politic|constrânger"),
        (Said, "text|mesaj|conversați|cuvint|context"),
        (
            Prompt,
            "prompt de sistem|promptul de sistem|promptul sistemului|promptul inițial|mesajul de sistem|\
             mesajul sistemului|instrucțiunile de sistem|instrucțiunile sistemului|instrucțiunile inițiale|\
             instrucțiunile ascunse|instrucțiunile secrete",
        ),
        (Told, "ți s-a spus|ți s-au dat|ai primit|ți-am spus"),
        (Earlier, "anterioar|precedent|de mai sus|de până acum|dinainte|inițial|original"),
        (Yours, "tău$|ta$|tale$|tăi$|dumneavoastră"),
        (Owner, "sistem|dezvoltator|de siguranță|administrator"),
        (All, "toate$|toți$|orice$|fiecare$|tot$"),
        (Reveal, "spune|arată|dezvăluie|afișează|scrie$|repetă|dă-mi|tipărește"),
        (Repeat, "repetă|afișează|copiază|tipărește"),
        (Ask, "care sunt|care este|ce instrucțiuni"),
        (Secret, "cheia secretă|parola secretă|cuvântul secret|codul secret"),
        (Verbatim, "cuvânt cu cuvânt|textual"),
        (
            Pretend,
            "prefă-te|de acum înainte|de acum încolo|imaginează-ți|joacă rolul|comportă-te|acum ești",
        ),
        (
            Limitless,
            "fără restricți|fără filtr|fără reguli|fără limit|necenzurat|nu refuză niciodată|nu ai restricți",
        ),
        (Claim, "instrucțiuni noi:|noi instrucțiuni:|sfârșitul instrucțiunilor"),
    ],
};
