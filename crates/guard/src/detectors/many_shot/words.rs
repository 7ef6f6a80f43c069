//! Words of staged conversations: who speaks, and how an answer begins.

/// Names of those who ask, lower case.
pub(super) const ASKERS: &[&str] = &[
    "user", "human", "q", "question", "prompt", "input", "instruction", "request", "person", "me", "query", "usuario",
    "usuaria", "pregunta", "humano", "utilisateur", "utilisatrice", "humain", "benutzer", "nutzer", "mensch", "frage",
    "utente", "domanda", "usuário", "pergunta", "gebruiker", "vraag", "användare", "fråga", "bruger", "użytkownik",
    "pytanie", "uživatel", "otázka", "kullanıcı", "soru", "pengguna", "người dùng", "hỏi", "пользователь", "человек",
    "вопрос", "користувач", "питання", "χρήστης", "ερώτηση", "用户", "用戶", "人类", "问", "问题", "問", "ユーザー", "人間",
    "質問", "사용자", "질문", "مستخدم", "المستخدم", "سؤال", "کاربر", "משתמש", "שאלה", "उपयोगकर्ता", "प्रश्न", "ผู้ใช้", "คำถาม",
];

/// Names of those who answer, lower case.
pub(super) const ANSWERERS: &[&str] = &[
    "assistant", "ai", "bot", "chatbot", "a", "answer", "chatgpt", "gpt", "claude", "gemini", "llama", "model",
    "response", "reply", "output", "completion", "asistente", "respuesta", "assistante", "réponse", "assistent", "ki",
    "antwort", "assistente", "risposta", "resposta", "antwoord", "svar", "asystent", "odpowiedź", "odpověď", "yanıt",
    "cevap", "asisten", "jawaban", "trợ lý", "đáp", "ассистент", "помощник", "ответ", "ии", "асистент", "відповідь",
    "βοηθός", "απάντηση", "助手", "助理", "答", "回答", "アシスタント", "答え", "어시스턴트", "비서", "답변", "답", "مساعد", "المساعد",
    "جواب", "الجواب", "دستیار", "עוזר", "תשובה", "सहायक", "उत्तर", "ผู้ช่วย", "คำตอบ",
];

/// Words before the name of a speaker in markup.
pub(super) const BEFORE_NAMES: &[&str] =
    &["im_start", "start_header_id", "role", "from", "speaker", "author", "turn", "start_of_turn"];

/// Members that hold what was said.
pub(super) const HOLDERS: &[&str] = &["content", "text", "value", "message", "parts"];

/// How an answer begins that obeys, lower case.
pub(super) const OBEYS: &[&str] = &[
    "sure", "of course", "certainly", "absolutely", "definitely", "gladly", "with pleasure", "happy to", "i'd be happy",
    "i would be happy", "no problem", "here is", "here's", "here are", "here you go", "yes,", "yes!", "yes.", "okay",
    "ok,", "ok.", "ok!", "alright", "great question", "understood", "as you wish", "my pleasure", "claro", "por supuesto",
    "desde luego", "aquí", "sí,", "con gusto", "bien sûr", "voici", "certainement", "avec plaisir", "volontiers",
    "natürlich", "klar", "gerne", "gern,", "selbstverständlich", "sicher", "hier ist", "hier sind", "certo", "ecco",
    "certamente", "volentieri", "com certeza", "aqui está", "aqui estão", "natuurlijk", "zeker", "hier is", "självklart",
    "absolut", "selvfølgelig", "här är", "oczywiście", "jasne", "oto ", "samozřejmě", "jistě", "tabii", "elbette",
    "işte", "tentu", "baik", "berikut", "chắc chắn", "tất nhiên", "dưới đây", "конечно", "разумеется", "вот ", "хорошо",
    "да,", "звісно", "авжеж", "ось ", "βεβαίως", "φυσικά", "ορίστε", "当然", "好的", "可以", "以下", "没问题", "當然", "沒問題",
    "もちろん", "はい", "承知", "かしこまりました", "以下に", "물론", "네,", "알겠", "여기", "다음은", "بالتأكيد", "بالطبع", "طبعا", "حسنا",
    "إليك", "نعم", "البته", "حتما", "בטח", "כמובן", "הנה", "ज़रूर", "जरूर", "बिल्कुल", "हाँ", "แน่นอน", "ได้",
];

/// How an answer begins that gets to the point, lower case.
pub(super) const TELLS: &[&str] = &[
    "to ", "first", "step 1", "step one", "1.", "1)", "you can", "you could", "you will need", "you'll need", "you need",
    "you should", "the best way", "the easiest way", "the first step", "start by", "start with", "begin by", "begin with",
    "take ", "mix ", "get ", "find ", "use ", "open ", "download", "buy ", "one way", "there are", "primero", "para ",
    "puedes", "paso 1", "d'abord", "pour ", "tout d'abord", "étape 1", "zuerst", "zunächst", "um ", "schritt 1", "du kannst",
    "man nehme", "prima ", "per ", "primeiro", "eerst", "najpierw", "сначала", "чтобы", "шаг 1", "首先", "第一步", "まず",
    "먼저", "أولا",
];

/// How an answer begins that declines, lower case.
pub(super) const DECLINES: &[&str] = &[
    "i'm sorry", "i am sorry", "sorry", "i can't", "i cannot", "i can not", "i won't", "i will not", "i'm not able",
    "i am not able", "i'm unable", "i am unable", "as an ai", "no,", "no.", "unfortunately", "i must decline", "i don't",
    "lo siento", "no puedo", "désolé", "je ne peux", "je suis désolé", "tut mir leid", "es tut mir", "ich kann", "leider",
    "mi dispiace", "non posso", "desculpe", "não posso", "sinto muito", "het spijt", "helaas", "przepraszam", "niestety",
    "извините", "к сожалению", "не могу", "抱歉", "对不起", "很抱歉", "申し訳", "すみません", "죄송", "عذرا", "آسف",
];
